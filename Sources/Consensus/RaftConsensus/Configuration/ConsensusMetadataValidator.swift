// Whether a proposed configuration leaves a channel's consensus in order.

import ChannelConfig
import FabricProtos
import Membership
import Ordering

/// Judges changes of the consensus metadata (Fabric: `etcdraft.Chain.ValidateConsensusMetadata`). The words
/// of its refusals are Fabric's.
package struct ConsensusMetadataValidator: Sendable {
  /// What is known about the channel's consenters.
  package struct Standing: Sendable {
    /// The ids as of the newest block, in the order of the configuration in force.
    package var metadata: RaftBlockMetadata
    /// The consenters that are alive; nil if the leader does not tell: then whether a majority stays is the leader's to
    /// judge.
    package var active: Set<UInt64>?
    /// Those whose votes count; nil for all consenters. After a recovery some have none.
    package var voters: Set<UInt64>?
    /// Those that a recovery has given up.
    package var givenUp: Set<UInt64>
    /// For how long others have not been heard of, at least.
    package var silence: [UInt64: Duration]

    package init(
      metadata: RaftBlockMetadata, active: Set<UInt64>?, voters: Set<UInt64>? = nil,
      givenUp: Set<UInt64> = [], silence: [UInt64: Duration] = [:]
    ) {
      self.metadata = metadata
      self.active = active
      self.voters = voters
      self.givenUp = givenUp
      self.silence = silence
    }
  }

  /// Seconds since 1970, for certificates.
  private let now: Int64

  package init(now: Int64) { self.now = now }

  /// - Parameter standing: Of the channel whose configuration changes; not looked at for a new channel, or for one
  ///   that comes from another consensus type.
  /// - Throws: why the change must be refused.
  package func validate(
    _ change: ConsensusChange, standing: @autoclosure () throws -> Standing
  ) throws(ConsensusChangeRefusal) {
    do {
      // Another type has metadata of its own.
      guard change.next.consensusType == RaftConfig.type else { return }
      let next: RaftConfig
      do { next = try RaftConfig(serialized: change.next.consensusMetadata) } catch {
        throw ConsensusChangeRefusal(
          "failed to unmarshal new etcdraft metadata configuration: \(error)")
      }
      let authorities: TLSAuthorities
      do { authorities = try Self.authorities(of: change.next) } catch {
        throw ConsensusChangeRefusal(
          "failed to create x509 verify options from old and new orderer config: \(error)")
      }
      do { try check(next, authorities) } catch {
        throw ConsensusChangeRefusal("invalid new config metadata: \(error)")
      }
      guard change.current.consensusType == RaftConfig.type else {
        return try checkFounders(next, authorities)
      }
      let current = try RaftConfig(serialized: change.current.consensusMetadata)
      if change.isNewChannel {
        try Self.checkIsSubset(next, of: current)
      } else {
        try checkMembership(from: current, to: next, authorities, try standing())
      }
    } catch let refusal as ConsensusChangeRefusal {
      throw refusal
    } catch {
      throw ConsensusChangeRefusal("\(error)")
    }
  }

  /// Checks that a configuration can be used as it stands.
  ///
  /// - Throws: ``InvalidRaftConfig``
  package func check(
    _ config: RaftConfig, in orderer: OrdererGroupConfig
  ) throws(InvalidRaftConfig) {
    let authorities: TLSAuthorities
    do { authorities = try Self.authorities(of: orderer) } catch {
      throw InvalidRaftConfig("\(error)")
    }
    try check(config, authorities)
  }

  private func check(
    _ config: RaftConfig, _ authorities: TLSAuthorities
  ) throws(InvalidRaftConfig) {
    _ = try config.options
    guard !config.consenters.isEmpty else { throw InvalidRaftConfig("empty consenter set") }
    for consenter in config.consenters {
      do { try check(consenter, authorities, ignoresExpiry: true) } catch {
        throw InvalidRaftConfig(
          "consenter \(RaftConfig.name(consenter)) has invalid certificate: \(error)")
      }
    }
    try Self.checkHasNoDuplicates(config)
  }

  /// A channel comes from another consensus type. All of its consenters are new, so none may have an expired certificate.
  private func checkFounders(
    _ config: RaftConfig, _ authorities: TLSAuthorities
  ) throws(ConsensusChangeRefusal) {
    for consenter in config.consenters { try check(newcomer: consenter, authorities) }
  }

  private func check(
    newcomer: Etcdraft_Consenter, _ authorities: TLSAuthorities
  ) throws(ConsensusChangeRefusal) {
    do { try check(newcomer, authorities, ignoresExpiry: false) } catch {
      throw ConsensusChangeRefusal(
        "consenter \(RaftConfig.name(newcomer)) has invalid certificates: \(error)")
    }
  }

  private func checkMembership(
    from current: RaftConfig, to next: RaftConfig, _ authorities: TLSAuthorities,
    _ standing: Standing
  ) throws {
    let before = try ConsenterSet(current.consenters, metadata: standing.metadata)
    let (_, change) = try before.changed(to: next.consenters)
    if let newcomer = change.newcomer { try check(newcomer: newcomer, authorities) }
    try Self.checkNobodyIsGivenUp(change, standing)
    try QuorumLoss.check(change, from: before, standing)
  }

  /// A new consenter would take those for voters whom a recovery has given up, if it ran Go's orderer: it adds whoever
  /// the newest config block names.
  private static func checkNobodyIsGivenUp(
    _ change: ConsenterChange, _ standing: Standing
  ) throws(ConsensusChangeRefusal) {
    guard change.addedID != nil, !standing.givenUp.isEmpty else { return }
    throw ConsensusChangeRefusal(
      """
      consenters \(standing.givenUp.sorted()) were given up when the channel was recovered: remove them first, one \
      update each, then add others
      """)
  }

  /// - Parameter ignoresExpiry: Whether a certificate passes that is not valid now.
  private func check(
    _ consenter: Etcdraft_Consenter, _ authorities: TLSAuthorities, ignoresExpiry: Bool
  ) throws(InvalidRaftConfig) {
    let client = try Self.certificate(Array(consenter.clientTlsCert), "client", consenter)
    let server = try Self.certificate(Array(consenter.serverTlsCert), "server", consenter)
    for (name, certificate) in [("client", client), ("server", server)] {
      do throws(TLSCertificateProblem) { try authorities.check(certificate, now: now) } catch {
        if ignoresExpiry, error == .expired { continue }
        throw InvalidRaftConfig(
          "verifying tls \(name) cert with serial number \(certificate.serialNumber): \(error)")
      }
    }
  }

  private static func certificate(
    _ pem: [UInt8], _ name: String, _ consenter: Etcdraft_Consenter
  ) throws(InvalidRaftConfig) -> TLSCertificate {
    do { return try TLSCertificate(pem: pem) } catch {
      throw InvalidRaftConfig(
        "parsing tls \(name) cert of \(RaftConfig.name(consenter)): \(error)")
    }
  }

  /// The CAs of the organizations that order under a configuration.
  private static func authorities(
    of orderer: OrdererGroupConfig
  ) throws(TLSCertificateProblem) -> TLSAuthorities {
    let organizations = orderer.organizations.values
    return try TLSAuthorities(
      roots: organizations.flatMap(\.tlsRootCertificates),
      intermediates: organizations.flatMap(\.tlsIntermediateCertificates))
  }

  /// No certificate may stand at two consenters, as client or server certificate.
  private static func checkHasNoDuplicates(_ config: RaftConfig) throws(InvalidRaftConfig) {
    var seen: Set<[UInt8]> = []
    for consenter in config.consenters {
      let certificates = [Array(consenter.serverTlsCert), Array(consenter.clientTlsCert)]
      guard seen.isDisjoint(with: certificates) else {
        let texts = certificates.map { String(decoding: $0, as: UTF8.self) }
        throw InvalidRaftConfig(
          "duplicate consenter: server cert: \(texts[0]), client cert: \(texts[1])")
      }
      seen.formUnion(certificates)
    }
  }

  private static func checkIsSubset(
    _ config: RaftConfig, of system: RaftConfig
  ) throws(ConsensusChangeRefusal) {
    let known = Set(system.consenters.map(\.clientTlsCert))
    guard config.consenters.allSatisfy({ known.contains($0.clientTlsCert) }) else {
      throw ConsensusChangeRefusal(
        "new channel has consenter that is not part of system consenter set")
    }
  }
}
