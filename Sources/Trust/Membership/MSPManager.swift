// The MSPs of one channel configuration, and the identities that were seen under it.

import FabricCrypto
import FabricProtos

/// All MSPs of a channel. The identities it has accepted are cached, so that a client's certificate
/// is taken apart and traced to its root once, not for every transaction.
package final class MSPManager: Sendable {
  /// How many accepted identities are remembered.
  package static let cacheCapacity = 1024
  /// How many refused identities are remembered, so that it is cheap to refuse a revoked client that
  /// keeps trying.
  package static let refusalCacheCapacity = 64

  /// The MSPs by name.
  package let msps: [String: MSP]

  private let accepted = IdentityCache<Identity>(capacity: cacheCapacity)
  private let refused = IdentityCache<MembershipError>(capacity: refusalCacheCapacity)
  private let keyTables: KeyTables?

  /// A manager of these MSPs. Of two MSPs with one name the later one counts, as in Fabric; code
  /// that reads a channel's configuration checks that definitions of one name agree.
  ///
  /// - Parameter keyTables: what makes verification faster for the accepted identities that sign most.
  package init(
    msps: [MSP], keyTables: KeyTables? = .ofProcess
  ) throws(MembershipError) {
    self.keyTables = keyTables
    for msp in msps where msp.identifier.isEmpty {
      throw .invalidConfiguration(mspID: "", reason: "it has no name")
    }
    self.msps = Dictionary(msps.map { ($0.identifier, $0) }, uniquingKeysWith: { $1 })
  }

  /// The identity that `serialized` stands for, valid under its MSP.
  ///
  /// The error distinguishes an unknown MSP, malformed bytes, and an identity that its MSP does not
  /// accept. A certificate that has expired is accepted, see ``Identity/expiresAt``.
  package func validIdentity(
    serialized: ArraySlice<UInt8>
  ) throws(MembershipError) -> Identity {
    if let identity = accepted.value(for: serialized) { return identity }
    if let refusal = refused.value(for: serialized) { throw refusal }
    do throws(MembershipError) {
      let identity = try identity(serialized: serialized)
      try msp(of: identity).validate(identity)
      if let keyTables { identity.countUses(in: keyTables) }
      accepted.insert(identity, for: serialized)
      return identity
    } catch {
      refused.insert(error, for: serialized)
      throw error
    }
  }

  /// The identity that `serialized` stands for, valid or not; neither looked up nor kept in the cache.
  package func identity(serialized: ArraySlice<UInt8>) throws(MembershipError) -> Identity {
    let parts = try SerializedIdentity(serialized)
    guard let msp = msps[parts.mspID] else { throw .unknownMSP(parts.mspID) }
    return try msp.identity(
      fromCertificatePEM: parts.certificatePEM[...], serialized: Array(serialized))
  }

  /// Whether the identity is what the principal asks for, in the eyes of the identity's MSP.
  package func satisfies(_ identity: Identity, principal: Common_MSPPrincipal) -> Bool {
    satisfies(identity, principal: Principal(principal))
  }

  /// The same with a principal that was taken apart before.
  package func satisfies(_ identity: Identity, principal: Principal) -> Bool {
    guard let msp = msps[identity.mspID] else { return false }
    return (try? msp.satisfies(identity, principal: principal)) ?? false
  }

  /// Returns if the identity is what the principal asks for, and tells why it is not otherwise.
  package func check(_ identity: Identity, satisfies principal: Principal) throws(MembershipError) {
    try msp(of: identity).check(identity, satisfies: principal)
  }

  /// How many accepted identities are remembered at the moment.
  package var cachedIdentityCount: Int { accepted.count }

  private func msp(of identity: Identity) throws(MembershipError) -> MSP {
    guard let msp = msps[identity.mspID] else { throw .unknownMSP(identity.mspID) }
    return msp
  }
}
