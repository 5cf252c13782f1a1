// Validates the messages of an existing channel.

import ChannelConfig
import FabricProtos

/// The processor of a channel for messages to itself (Fabric: `msgprocessor.StandardChannel`).
package final class StandardChannelProcessor: ChannelProcessor {
  package let resources: any ChannelResources
  package let environment: ProcessingEnvironment
  package let filters: MessageFilters
  private let maintenanceFilter: MaintenanceFilter

  package init(
    _ resources: any ChannelResources, environment: ProcessingEnvironment
  ) {
    self.resources = resources
    self.environment = environment
    filters = MessageFilters(environment: environment)
    maintenanceFilter = MaintenanceFilter(logger: environment.logger)
  }

  /// Checks size, expiry, signature and policy; refuses in maintenance mode.
  package func processNormal(_ envelope: EnvelopeView) throws(ProcessingError) -> UInt64 {
    let bundle = resources.bundle
    let orderer = try bundle.requiredOrderer(orThrow: ProcessingError.internalFailure)
    try orderer.refuseNormalMessagesInMaintenance()
    try filters.check(envelope, bundle)
    return bundle.sequence
  }

  package func processConfigUpdate(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)
  {
    let bundle = resources.bundle
    let channelID = resources.channelID
    environment.logger.debug(
      "Processing config update message for existing channel \(channelID)")
    try during("config update for existing channel did not pass initial checks") {
      () throws(ProcessingError) in
      try filters.check(envelope, bundle)
    }
    let (proposed, next) = try during(
      "error applying config update to existing channel '\(channelID)'"
    ) { () throws(ProcessingError) in try propose(envelope, bundle) }
    let message = try SignedEnvelopeMaker(environment: environment)
      .envelope(
        .config, channelID: channelID, data: try serialize(proposed), signer: resources.signer)
    // The message has become larger, and this node may lack the right to write.
    try during("config update for existing channel did not pass final checks") {
      () throws(ProcessingError) in
      try filters.check(try view(message, "the new config message"), bundle)
    }
    try during("config update for existing channel did not pass maintenance checks") {
      () throws(ProcessingError) in
      try maintenanceFilter.check(proposed, from: bundle, to: next)
    }
    return (message, bundle.sequence)
  }

  package func processConfig(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)
  {
    environment.logger.debug("Processing config message for channel \(resources.channelID)")
    return try processConfigUpdate(
      try lastUpdate(of: try ConfigProposal(envelope).envelope))
  }

  /// Applies an update and checks the result (Fabric: `ChainSupport.ProposeConfigUpdate`).
  private func propose(_ envelope: EnvelopeView, _ bundle: ConfigBundle) throws(ProcessingError)
    -> (envelope: Common_ConfigEnvelope, bundle: ConfigBundle)
  {
    let proposed: Common_ConfigEnvelope
    let next: ConfigBundle
    do {
      proposed = try bundle.proposeConfigUpdate(envelope: envelope.bytes)
      next = try ConfigBundle(channelID: resources.channelID, config: proposed.config)
      try next.checkCapabilitiesSupported()
      try bundle.validateNext(next)
      try bundle.checkKeysAreReadable(in: next)
    } catch {
      throw .badRequest("\(error)")
    }
    guard let orderer = next.orderer else {
      throw .badRequest("the new config has no Orderer group")
    }
    let current = try bundle.requiredOrderer(orThrow: ProcessingError.internalFailure)
    try during("consensus metadata update for channel config update is invalid") {
      () throws(ProcessingError) in
      try resources.validateConsensusMetadata(current: current, next: orderer, isNewChannel: false)
    }
    return (proposed, next)
  }
}

/// Serializes a config message so that every node gets the same bytes from the same config.
package func serialize(_ envelope: Common_ConfigEnvelope) throws(ProcessingError) -> [UInt8] {
  do {
    return try envelope.deterministicBytes()
  } catch {
    throw .badRequest("the new config cannot be serialized: \(error)")
  }
}
