// Validates the messages of the system channel and those for channels that do not exist.

import ChannelConfig
import FabricProtos
import GoText
import MessageProcessing

/// The processor of the system channel, which gets every message whose channel does not exist:
/// config updates of such channels create them (Fabric: `msgprocessor.SystemChannel`).
package final class SystemChannelProcessor: ChannelProcessor {
  private let standard: StandardChannelProcessor
  private let creationFilter: ChannelCreationFilter
  private let template: ChannelTemplate

  private var resources: any ChannelResources { standard.resources }
  private var environment: ProcessingEnvironment { standard.environment }

  package init(
    _ resources: any ChannelResources, directory: any ChannelDirectory,
    environment: ProcessingEnvironment
  ) {
    standard = StandardChannelProcessor(resources, environment: environment)
    template = ChannelTemplate(logger: environment.logger)
    creationFilter = ChannelCreationFilter(
      resources: resources, directory: directory, template: template)
  }

  /// As ``StandardChannelProcessor/processNormal(_:)``.
  ///
  /// - Throws: ``ProcessingError/channelNotFound(_:)`` if the message is for another channel.
  package func processNormal(_ envelope: EnvelopeView) throws(ProcessingError) -> UInt64 {
    guard envelope.channelID == resources.channelID else {
      throw .channelNotFound(envelope.channelID)
    }
    return try standard.processNormal(envelope)
  }

  /// Applies an update to the system channel itself, or makes the ORDERER_TRANSACTION that creates
  /// the channel named in the update.
  package func processConfigUpdate(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)
  {
    guard envelope.channelID != resources.channelID else {
      return try standard.processConfigUpdate(envelope)
    }
    // Checked only before the creation is ordered. Afterwards the channel's existence is no reason to
    // refuse: a node that stopped after it created the channel, but before it wrote the system channel's
    // block, meets the transaction again and has to decide as the other nodes did.
    guard !creationFilter.directory.contains(envelope.channelID) else {
      throw .badRequest("channel \(Quoting.name(envelope.channelID)) exists already")
    }
    return try createChannel(envelope)
  }

  /// Makes a CONFIG of the system channel or an ORDERER_TRANSACTION anew.
  package func processConfig(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)
  {
    switch envelope.headerType {
    case HeaderType.config: return try standard.processConfig(envelope)
    case HeaderType.ordererTransaction:
      let wrapped = try HeaderType.wrappedConfig(envelope)
      let update = try lastUpdate(of: try ConfigProposal(wrapped).envelope)
      guard update.channelID != resources.channelID else {
        return try standard.processConfigUpdate(update)
      }
      return try createChannel(update)
    default:
      throw .badRequest(
        "a message of type \(HeaderType.name(envelope.headerType)) is no config message")
    }
  }

  private func createChannel(_ envelope: EnvelopeView) throws(ProcessingError)
    -> (configEnvelope: [UInt8], sequence: UInt64)
  {
    let system = resources.bundle
    let channelID = envelope.channelID
    environment.logger.debug(
      """
      Processing channel create tx for channel \(Quoting.name(channelID)) on system channel \
      \(resources.channelID)
      """)
    // Fabric applies the next two rules only to the finished transaction. Anyone can send this message,
    // so the cheap checks come before certificates are parsed.
    try standard.filters.checkSize(
      envelope, try system.requiredOrderer(orThrow: ProcessingError.internalFailure))
    let request = try template.request(envelope)
    try creationFilter.checkPermitted(system)

    let start = try template.bundle(for: request, system)
    let proposed: Common_ConfigEnvelope
    do {
      proposed = try start.proposeConfigUpdate(envelope: envelope.bytes)
    } catch {
      throw .badRequest(
        "error validating channel creation transaction for new channel \(Quoting.name(channelID)), could not "
          + "successfully apply update to template configuration: \(error)")
    }
    let maker = SignedEnvelopeMaker(environment: environment)
    let config = try maker.envelope(
      .config, channelID: channelID, data: try serialize(proposed), signer: resources.signer)
    let transaction = try maker.envelope(
      .ordererTransaction, channelID: resources.channelID, data: config, signer: resources.signer)
    let made = try view(transaction, "the new channel creation transaction")
    try standard.filters.check(made, system)
    try creationFilter.check(made, system)
    return (transaction, system.sequence)
  }
}
