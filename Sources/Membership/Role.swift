// The parts an identity can play in its organization.

/// A role that principals ask for.
public enum Role: Int, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// Any identity the MSP accepts.
  case member
  case admin
  case client
  case peer
  case orderer

  /// The role as policies and logs write it, such as `MEMBER`.
  public var description: String {
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
public struct RoleSet: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The set with one role.
  public init(_ role: Role) {
    rawValue = 1 << UInt8(truncatingIfNeeded: role.rawValue)
  }

  /// Whether `role` is one of these.
  public func contains(_ role: Role) -> Bool {
    contains(RoleSet(role))
  }
}
