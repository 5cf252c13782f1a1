// What the parts of one channel share: its name, its configuration in force, and the node's signer.

import ChannelConfig
import Membership
import MessageProcessing
import Ordering

/// The shared part of a channel. It owns none of the other parts, so that they can hold on to it.
final class ChannelResourcesHolder: ChannelResources {
  /// Called with each configuration that comes into force.
  typealias Observer = @Sendable (ConfigBundle) -> Void

  let channelID: String
  let signer: any Signer
  private let source: ConfigBundleSource
  let runningConsensusType: String
  private let consenter: any Consenter
  private let others: [String: any Consenter]
  private let observer: Observer

  /// - Parameters:
  ///   - consenter: Makes the channel's chain, and judges changes of the consensus metadata.
  ///   - others: All consenters of the node, by consensus type, which judge whether the channel can go to theirs.
  ///   - observer: Called with every configuration but the first.
  init(
    bundle: ConfigBundle, signer: any Signer, consenter: any Consenter,
    others: [String: any Consenter] = [:], observer: @escaping Observer
  ) {
    channelID = bundle.channelID
    self.signer = signer
    self.consenter = consenter
    self.others = others
    runningConsensusType = bundle.orderer?.consensusType ?? ""
    self.observer = observer
    source = ConfigBundleSource(bundle)
  }

  /// The configuration in force.
  var bundle: ConfigBundle { source.current }

  /// Brings a configuration into force.
  ///
  /// - Throws: ``ConfigError`` if it does not follow the one in force.
  func update(_ bundle: ConfigBundle) throws(ConfigError) {
    try source.update(bundle)
    observer(bundle)
  }

  /// Asks the consenter that orders the channel now, whatever type the new configuration names (Fabric:
  /// the chain in place is asked, `multichannel.ChainSupport`).
  func validateConsensusMetadata(
    current: OrdererGroupConfig, next: OrdererGroupConfig, isNewChannel: Bool
  ) throws(ProcessingError) {
    do {
      try consenter.validate(
        ConsensusChange(
          channelID: channelID, current: current, next: next, isNewChannel: isNewChannel))
    } catch { throw .badRequest(error.description) }
  }

  func validateFounding(
    current: OrdererGroupConfig, next: OrdererGroupConfig
  ) throws(ProcessingError) {
    guard let founder = others[next.consensusType] else {
      throw .badRequest("this orderer cannot order with \(next.consensusType)")
    }
    do {
      try founder.validate(
        ConsensusChange(
          channelID: channelID, current: current, next: next, isNewChannel: false))
    } catch { throw .badRequest(error.description) }
  }
}
