// The consenter's judgement, from a block instead of a running chain.

import Blocks
import ChannelConfig
import FabricProtos
import MessageProcessing
import Ordering
import RaftConsensus

/// A channel's consensus as its config block shows it. What it says of an update, the node's own validators say.
struct CheckedConsensus: ConsensusJudge {
  let channelID: String
  let runningConsensusType: String
  /// The consenters in force under their ids; nil if the channel is ordered with another type.
  let consenters: ConsenterSet?
  /// The ids of those that are up, as far as the operator says.
  let active: Set<UInt64>
  private let metadata: RaftBlockMetadata
  private let now: Int64

  /// - Parameters:
  ///   - block: With the configuration in force.
  ///   - running: The type that the orderers go on with if they were not restarted since the type changed; nil: that
  ///     of the configuration.
  ///   - down: `HOST:PORT` of consenters that are not up.
  ///   - now: Seconds since 1970.
  /// - Throws: ``UpdateCheckError``
  init(
    _ block: Block, _ bundle: ConfigBundle, running: String?, down: [String], now: Int64
  ) throws(UpdateCheckError) {
    self.now = now
    channelID = bundle.channelID
    runningConsensusType = running ?? bundle.orderer?.consensusType ?? ""
    guard let orderer = bundle.orderer, orderer.consensusType == RaftConfig.type else {
      (consenters, active) = (nil, [])
      metadata = RaftBlockMetadata(consenterCount: 0)
      return
    }
    let set: ConsenterSet
    do {
      let config = try RaftConfig(serialized: orderer.consensusMetadata)
      let bytes = block.consenterMetadata()
      metadata =
        bytes.isEmpty
        ? RaftBlockMetadata(consenterCount: config.consenters.count)
        : try RaftBlockMetadata(serialized: bytes)
      set = try ConsenterSet(config.consenters, metadata: metadata)
    } catch {
      throw UpdateCheckError("the channel's consenters cannot be told: \(error)")
    }
    consenters = set
    let named = Dictionary(
      zip(set.consenters.map(RaftConfig.name), set.ids), uniquingKeysWith: { first, _ in first })
    var active = Set(set.ids)
    for name in down {
      guard let id = named[name] else {
        throw UpdateCheckError(
          "\(name) is no consenter of channel \(bundle.channelID); those are "
            + named.keys.sorted().joined(separator: ", "))
      }
      active.remove(id)
    }
    self.active = active
  }

  func validateConsensusMetadata(
    current: OrdererGroupConfig, next: OrdererGroupConfig, isNewChannel: Bool
  ) throws(ProcessingError) {
    // As Kafka's and solo's consenters, which have no metadata.
    guard runningConsensusType == RaftConfig.type else { return }
    try validate(current, next)
  }

  func validateFounding(
    current: OrdererGroupConfig, next: OrdererGroupConfig
  ) throws(ProcessingError) {
    guard next.consensusType == RaftConfig.type else { return }
    try validate(current, next)
  }

  private func validate(
    _ current: OrdererGroupConfig, _ next: OrdererGroupConfig
  ) throws(ProcessingError) {
    do {
      try ConsensusMetadataValidator(now: now).validate(
        ConsensusChange(
          channelID: channelID, current: current, next: next, isNewChannel: false),
        standing: ConsensusMetadataValidator.Standing(metadata: metadata, active: active))
    } catch { throw .badRequest(error.description) }
  }
}
