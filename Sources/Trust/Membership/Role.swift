// The parts an identity can play in its organization.

/// A role that principals ask for.
package enum Role: Int, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// Any identity the MSP accepts.
  case member
  case admin
  case client
  case peer
  case orderer

  /// The role as policies and logs write it, such as `MEMBER`.
  package var description: String {
    switch self {
    case .member: "MEMBER"
    case .admin: "ADMIN"
    case .client: "CLIENT"
    case .peer: "PEER"
    case .orderer: "ORDERER"
    }
  }
}

/// A set of roles.
package struct RoleSet: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The set with one role.
  package init(_ role: Role) {
    rawValue = 1 << UInt8(truncatingIfNeeded: role.rawValue)
  }

  /// Whether `role` is one of these.
  package func contains(_ role: Role) -> Bool {
    contains(RoleSet(role))
  }
}
