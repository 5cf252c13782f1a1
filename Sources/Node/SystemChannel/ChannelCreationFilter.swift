// The rules for channel creation on the system channel.

import ChannelConfig
import FabricProtos
import GoText
import MessageProcessing

/// Checks transactions that create channels (Fabric: `msgprocessor.SystemChainFilter`).
struct ChannelCreationFilter: Sendable {
  let resources: any ChannelResources
  let directory: any ChannelDirectory
  let template: ChannelTemplate

  /// The rules that depend on the state of the ordering service rather than on the transaction.
  func checkPermitted(_ system: ConfigBundle) throws(ProcessingError) {
    let orderer = try system.requiredOrderer(orThrow: ProcessingError.internalFailure)
    // The system channel itself does not count against the limit.
    let limit = orderer.maxChannelsCount
    if limit > 0, UInt64(clamping: directory.channelCount) > limit {
      throw .badRequest("channel creation would exceed maximum number of channels: \(limit)")
    }
    try orderer.refuseChannelCreationInMaintenance()
  }

  /// Checks a message for the system channel. All but an ORDERER_TRANSACTION pass.
  ///
  /// The update within the transaction is applied to the template once more, so that the check does
  /// not rely on who made the transaction.
  func check(_ envelope: EnvelopeView, _ system: ConfigBundle) throws(ProcessingError) {
    guard envelope.headerType == HeaderType.ordererTransaction else { return }
    try checkPermitted(system)
    let proposal = try ConfigProposal(try HeaderType.wrappedConfig(envelope))
    let update = try lastUpdate(of: proposal.envelope)
    let start = try during("error constructing new channel config from update") {
      () throws(ProcessingError) in
      try template.bundle(for: try template.request(update), system)
    }
    guard start.channelID == proposal.channelID else {
      throw .badRequest(
        "the channel creation names two channels: \(Quoting.name(proposal.channelID)) in the config message, "
          + "\(Quoting.name(start.channelID)) in its config update")
    }
    let expected: Common_ConfigEnvelope
    do {
      expected = try start.proposeConfigUpdate(envelope: update.bytes)
    } catch {
      throw .badRequest("error proposing channel update to new channel config: \(error)")
    }
    guard expected == proposal.envelope else {
      throw .badRequest(
        "config proposed by the channel creation request did not match the config received with "
          + "the channel creation request")
    }
    try checkNewConfig(proposal.config, start: start, system)
  }

  private func checkNewConfig(
    _ config: Common_Config, start: ConfigBundle, _ system: ConfigBundle
  ) throws(ProcessingError) {
    let next: ConfigBundle
    do {
      next = try ConfigBundle(channelID: start.channelID, config: config)
    } catch {
      throw .badRequest("the new channel's config is not valid: \(error)")
    }
    guard let orderer = next.orderer else {
      throw .badRequest("the new channel's config has no Orderer group")
    }
    do {
      try start.validateNext(next)
      try next.checkCapabilitiesSupported()
    } catch {
      throw .badRequest("the new channel's config is not acceptable: \(error)")
    }
    let current = try system.requiredOrderer(orThrow: ProcessingError.internalFailure)
    try during("consensus metadata update for channel creation is invalid") {
      () throws(ProcessingError) in
      try resources.validateConsensusMetadata(current: current, next: orderer, isNewChannel: true)
    }
  }
}
