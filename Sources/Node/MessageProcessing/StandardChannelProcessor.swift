// Validates the messages of an existing channel.

import ChannelConfig
import FabricProtos

/// The processor of a channel for messages to itself (Fabric: `msgprocessor.StandardChannel`).
package final class StandardChannelProcessor: ChannelProcessor {
  package let resources: any ChannelResources
  package let environment: ProcessingEnvironment
  package let filters: MessageFilters

  package init(
    _ resources: any ChannelResources, environment: ProcessingEnvironment
  ) {
    self.resources = resources
    self.environment = environment
    filters = MessageFilters(environment: environment)
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
    let made = try process(envelope)
    try made.step.checkMigration(resources)
    return (made.message, made.step.current.sequence)
  }

  package func processConfig(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)
  {
    environment.logger.debug("Processing config message for channel \(resources.channelID)")
    let made = try process(try lastUpdate(of: try ConfigProposal(envelope).envelope))
    return (made.message, made.step.current.sequence)
  }

  /// Applies an update by the rules on which all nodes agree.
  private func process(
    _ envelope: EnvelopeView
  ) throws(ProcessingError) -> (message: [UInt8], step: ConfigStep) {
    let bundle = resources.bundle
    let channelID = resources.channelID
    environment.logger.debug(
      "Processing config update message for existing channel \(channelID)")
    try during("config update for existing channel did not pass initial checks") {
      () throws(ProcessingError) in
      try filters.check(envelope, bundle)
    }
    let step = try during("error applying config update to existing channel '\(channelID)'") {
      () throws(ProcessingError) in
      let step = try ConfigStep(try propose(envelope, bundle), from: bundle)
      try step.checkConsensusMetadata(resources)
      return step
    }
    let message = try SignedEnvelopeMaker(environment: environment)
      .envelope(
        .config, channelID: channelID, data: try serialize(step.message), signer: resources.signer)
    // The message has become larger, and this node may lack the right to write.
    try during("config update for existing channel did not pass final checks") {
      () throws(ProcessingError) in
      try filters.check(try view(message, "the new config message"), bundle)
    }
    try step.checkMaintenance(environment.logger)
    return (message, step)
  }

  private func propose(
    _ envelope: EnvelopeView, _ bundle: ConfigBundle
  ) throws(ProcessingError) -> Common_ConfigEnvelope {
    do { return try bundle.proposeConfigUpdate(envelope: envelope.bytes) } catch {
      throw .badRequest("\(error)")
    }
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
