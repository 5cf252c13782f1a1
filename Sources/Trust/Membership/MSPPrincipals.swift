// Whether an identity is what a principal asks for.

import FabricProtos

extension MSP {
  /// Whether the identity satisfies the principal. Throws if the principal makes no sense, or none
  /// to an MSP of this version.
  package func satisfies(
    _ identity: Identity, principal: Common_MSPPrincipal
  ) throws(MembershipError) -> Bool {
    try satisfies(identity, principal: Principal(principal))
  }

  /// Whether the identity satisfies the principal, which was taken apart before.
  package func satisfies(
    _ identity: Identity, principal: Principal
  ) throws(MembershipError) -> Bool {
    // This question comes with every transaction, so it is answered without throwing.
    if identity.owner == instance, case .role(let mspID, let role) = principal.kind {
      guard knows(role) else { throw .invalidPrincipal(unknownRole(role)) }
      return mspID == identifier && identity.standing.roles.contains(role)
    }
    do throws(MembershipError) {
      try check(identity, satisfies: principal)
      return true
    } catch {
      if case .invalidPrincipal = error { throw error }
      return false
    }
  }

  /// Returns if the identity satisfies the principal, and tells why it does not otherwise.
  /// Fabric: `msp/mspimpl.go` (`satisfiesPrincipalInternal…`).
  package func check(
    _ identity: Identity, satisfies principal: Principal
  ) throws(MembershipError) {
    switch principal.kind {
    case .role(let mspID, let role):
      try checkOwnership(mspID, of: identity)
      try checkRole(role, of: identity)
    case .organizationalUnit(let mspID, let name, let certifiersIdentifier):
      try checkOwnership(mspID, of: identity)
      try validate(identity)
      let standing = standing(of: identity)
      guard standing.organizationalUnits.contains(name),
        standing.certifiersIdentifier == certifiersIdentifier
      else {
        throw .principalNotSatisfied(
          "the identity is not of the organizational unit '\(name)' of MSP \(identifier)")
      }
    case .identity(let wanted, let certificate):
      try checkIdentity(identity, is: wanted, certificate: certificate)
    case .nominal:
      try checkVersion(atLeast: .v1_3, what: "an anonymity principal")
    case .anonymous:
      try checkVersion(atLeast: .v1_3, what: "an anonymity principal")
      throw .principalNotSatisfied(
        "the principal is anonymous, but an X.509 MSP has no anonymous identities")
    case .combined(let principals):
      try checkVersion(atLeast: .v1_3, what: "a combined principal")
      for principal in principals { try check(identity, satisfies: principal) }
    case .malformed(let reason):
      throw .invalidPrincipal(reason)
    }
  }

  private func checkRole(_ role: Role, of identity: Identity) throws(MembershipError) {
    guard knows(role) else { throw .invalidPrincipal(unknownRole(role)) }
    let standing = standing(of: identity)
    if standing.roles.contains(role) { return }
    if role == .admin, !adminsHaveUnit {
      throw .principalNotSatisfied("the identity is not an admin of MSP \(identifier)")
    }
    try validate(identity)
    guard role == .admin || rules.nodeUnits.isEnforced else {
      throw .principalNotSatisfied(
        "MSP \(identifier) does not tell identities apart by NodeOUs, so nobody is \(role)")
    }
    throw .principalNotSatisfied("the identity is not \(role) under MSP \(identifier)")
  }

  /// Whether MSPs of this version, with these NodeOUs, know the role at all.
  private func knows(_ role: Role) -> Bool {
    role != .orderer || adminsHaveUnit
  }

  /// Whether the rules of 1.4.3 with NodeOUs apply.
  private var adminsHaveUnit: Bool {
    version >= .v1_4_3 && rules.nodeUnits.isEnforced
  }

  private func unknownRole(_ role: Role) -> String {
    "the role \(role) is unknown to MSP \(identifier), which follows the rules of \(version)"
      + (rules.nodeUnits.isEnforced ? "" : " without NodeOUs")
  }

  /// The identity principal: the very same certificate, and it must be valid.
  private func checkIdentity(
    _ identity: Identity, is wanted: SerializedIdentity, certificate: ParsedCertificate?
  ) throws(MembershipError) {
    guard let certificate else {
      throw .invalidPrincipal("the identity principal holds no certificate")
    }
    guard wanted.mspID == identifier else {
      throw .principalNotSatisfied(
        "the identity principal is of MSP \(wanted.mspID), not of \(identifier)")
    }
    // A certificate with another encoding of its signature is still the same certificate.
    guard certificate.tbs == identity.certificate.tbs,
      (try? rules.admit(certificate))?.certificate.der == identity.certificate.der
    else {
      throw .principalNotSatisfied("the identities do not match")
    }
    try validate(identity)
  }

  private func checkOwnership(
    _ mspID: String, of identity: Identity
  ) throws(MembershipError) {
    guard mspID == identifier else {
      throw .principalNotSatisfied(
        "the identity is a member of a different MSP (expected \(mspID), got \(identity.mspID))")
    }
  }

  private func checkVersion(
    atLeast needed: MSPVersion, what: String
  ) throws(MembershipError) {
    guard version >= needed else {
      throw .invalidPrincipal(
        "\(what) needs an MSP of version \(needed), but MSP \(identifier) follows \(version)")
    }
  }
}
