// What nodes will do once an update is in a block.

import Blocks
import ChannelConfig
import FabricProtos
import GoText
import Membership
import MessageProcessing
import RaftConsensus

/// The consenters before and after, their certificates, and what the nodes have to do.
struct ConsensusForecast {
  /// A certificate that expires within so many seconds is told of: 30 days.
  static let soon: Int64 = 30 * 86_400
  private static let layout = GoTimeLayout("2006-01-02T15:04:05Z")

  private(set) var consenters: [UpdateReport.Consenter] = []
  private(set) var certificates: [UpdateReport.Certificate] = []
  private(set) var effects: [UpdateReport.Effect] = []

  private let old: OrdererGroupConfig
  private let new: OrdererGroupConfig
  private let isSystemChannel: Bool
  private let consensus: CheckedConsensus

  /// nil if one of the configurations has no orderers, about which there is nothing to tell.
  ///
  /// - Parameters:
  ///   - block: The one with the configuration in force.
  ///   - now: Seconds since 1970.
  init?(_ step: ConfigStep, _ consensus: CheckedConsensus, block: Block, now: Int64) {
    guard let old = step.current.orderer, let new = step.next.orderer else { return nil }
    (self.old, self.new, self.consensus) = (old, new, consensus)
    isSystemChannel = step.current.consortiums != nil
    forecastType()
    forecastState(block)
    forecastBatches()
    forecastCapabilities(step)
    guard new.consensusType == RaftConfig.type,
      let config = try? RaftConfig(serialized: new.consensusMetadata)
    else { return }
    forecastConsenters(config)
    forecastOptions(config)
    describeCertificates(config, now)
  }

  private mutating func tell(_ kind: UpdateReport.Effect.Kind, _ text: String) {
    effects.append(UpdateReport.Effect(kind: kind, text: text))
  }

  // MARK: Type and state

  private mutating func forecastType() {
    guard old.consensusType != new.consensusType else { return }
    tell(
      .restart,
      """
      All orderers have to be restarted once all channels have the type \(new.consensusType): until then they \
      go on with \(old.consensusType). Do not let a channel leave maintenance mode before
      """)
    guard new.consensusType == RaftConfig.type else { return }
    tell(
      .warning,
      """
      After the restart nothing leads back to \(old.consensusType) but a backup of all orderers' folders, \
      taken in maintenance mode and with all orderers stopped
      """)
    tell(
      .warning,
      """
      Orderers know each other by TLS certificates then: each needs General.TLS (or General.Cluster.…) with the \
      certificate that the consenters below name
      """)
  }

  private mutating func forecastState(_ block: Block) {
    guard old.consensusState != new.consensusState else { return }
    if new.consensusState == .normal {
      tell(
        .messages, "Transactions are taken again, and applications' organizations can read again")
      if new.consensusType == RaftConfig.type, block.header.number > 0,
        block.consenterMetadata().isEmpty
      {
        tell(
          .restart,
          """
          No block of \(new.consensusType) is there yet. All orderers must have been restarted since the type \
          changed: one that was not refuses this update, and a Go orderer does not refuse it
          """)
      }
      return
    }
    tell(.messages, "Transactions are refused: SERVICE_UNAVAILABLE, maintenance mode")
    tell(.readers, "Peers can read no blocks: only ordering organizations can")
    if isSystemChannel { tell(.channels, "No channels can be created") }
  }

  // MARK: Consenters

  private mutating func forecastConsenters(_ config: RaftConfig) {
    guard let before = consensus.consenters, old.consensusType == RaftConfig.type else {
      consenters = config.consenters.enumerated().map { index, consenter in
        UpdateReport.Consenter(
          id: UInt64(index) + 1, address: RaftConfig.name(consenter), change: "joins",
          isActive: true)
      }
      return tellTolerance(config.consenters.count)
    }
    guard let (after, change) = try? before.changed(to: config.consenters) else { return }
    consenters = zip(after.ids, after.consenters).map { id, consenter in
      UpdateReport.Consenter(
        id: id, address: RaftConfig.name(consenter), change: Self.word(id, change),
        isActive: consensus.active.contains(id))
    }
    if case .removed(let id) = change, let gone = Self.name(id, before) {
      consenters.append(
        UpdateReport.Consenter(
          id: id, address: gone, change: "leaves", isActive: consensus.active.contains(id)))
    }
    forecast(change, before)
    if change != .none { tellTolerance(after.ids.count) }
  }

  private mutating func forecast(_ change: ConsenterChange, _ before: ConsenterSet) {
    switch change {
    case .none: break
    case .added(let id, let consenter):
      tell(
        .join,
        """
        \(RaftConfig.name(consenter)) becomes consenter \(id). It orders once it has joined the channel with this \
        config block or a later one; messages wait until the change of the members is applied, which the other \
        consenters see to
        """)
    case .removed(let id):
      let name = Self.name(id, before) ?? "the consenter"
      tell(
        .follower,
        isSystemChannel
          ? "\(name) (consenter \(id)) ceases to order the channel"
          : "\(name) (consenter \(id)) ceases to order the channel and follows it until it is removed there"
      )
      tell(
        .leader,
        "If \(name) leads, it hands leadership on first, and the next leader makes the block")
    case .rotated(let id, let consenter):
      tell(
        .leader,
        """
        \(RaftConfig.name(consenter)) keeps the id \(id) with another certificate, and must show it: if it leads, it \
        hands leadership on first
        """)
    }
  }

  private mutating func tellTolerance(_ count: Int) {
    let quorum = count / 2 + 1
    tell(
      .messages,
      """
      The channel has \(count) consenter(s) then and needs \(quorum) of them: \
      \(count - quorum == 0 ? "none" : "\(count - quorum)") may fail
      """)
  }

  private static func word(_ id: UInt64, _ change: ConsenterChange) -> String {
    switch change {
    case .added(id, _): "joins"
    case .rotated(id, _): "rotates"
    default: "stays"
    }
  }

  private static func name(_ id: UInt64, _ set: ConsenterSet) -> String? {
    zip(set.ids, set.consenters).first { $0.0 == id }.map { RaftConfig.name($0.1) }
  }

  private mutating func forecastOptions(_ config: RaftConfig) {
    guard old.consensusType == RaftConfig.type, let options = try? config.options,
      let before = try? RaftConfig(serialized: old.consensusMetadata).options, before != options
    else { return }
    if before.snapshotIntervalSize != options.snapshotIntervalSize {
      tell(.options, "The snapshot interval takes effect at once")
    }
    if before.tickInterval != options.tickInterval || before.electionTicks != options.electionTicks
      || before.heartbeatTicks != options.heartbeatTicks
      || before.maximumInflightBlocks != options.maximumInflightBlocks
    {
      tell(
        .restart,
        """
        Ticks and the limit of blocks in flight take effect when an orderer is restarted; restart all of them \
        soon, one by one
        """)
    }
  }

  private mutating func describeCertificates(_ config: RaftConfig, _ now: Int64) {
    for consenter in config.consenters {
      for (use, pem) in [("client", consenter.clientTlsCert), ("server", consenter.serverTlsCert)] {
        guard let certificate = try? TLSCertificate(pem: Array(pem)) else { continue }
        let rest = certificate.notAfter - now
        certificates.append(
          UpdateReport.Certificate(
            consenter: RaftConfig.name(consenter), use: use,
            expires: UnixTime(seconds: certificate.notAfter).utc(Self.layout),
            isExpired: rest < 0, expiresSoon: rest >= 0 && rest < Self.soon))
      }
    }
  }

  // MARK: The rest

  private mutating func forecastBatches() {
    guard old.batchSize != new.batchSize || old.batchTimeout != new.batchTimeout else { return }
    tell(
      .messages,
      "Blocks are cut by the new limits from the config block on; what waits is cut before it")
  }

  private mutating func forecastCapabilities(_ step: ConfigStep) {
    let added =
      new.capabilities.names.subtracting(old.capabilities.names)
      .union(
        step.next.channel.capabilities.names.subtracting(step.current.channel.capabilities.names))
    guard !added.isEmpty else { return }
    tell(
      .capability,
      """
      Every orderer and peer of the channel must know \(added.sorted().joined(separator: ", ")): one that does not \
      ends at this block
      """)
  }
}
