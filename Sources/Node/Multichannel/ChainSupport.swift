// What one channel does for its chain: validates again, writes blocks, applies configurations.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import MessageProcessing
import Ordering
import Synchronization

/// The side of a channel that its chain sees (Fabric: `multichannel.ChainSupport`).
final class ChainSupport: ConsenterSupport {
  /// Makes a channel out of the genesis envelope within an ORDERER_TRANSACTION.
  typealias ChannelCreator = @Sendable (EnvelopeView) async throws -> Void
  /// Told why this node does not order the channel any more; must not wait.
  typealias Cessation = @Sendable (String) -> Void

  let resources: ChannelResourcesHolder
  let processor: any ChannelProcessor
  let store: any BlockStore
  let tip: TipSignal
  /// Whether the ledger takes blocks.
  let retry: LedgerRetry
  let metrics: ChannelMetrics
  private let writer: BlockWriter
  private let createChannel: ChannelCreator
  private let cease: Cessation
  private let hasCeased = Mutex(false)
  private let logger: Logger

  init(
    resources: ChannelResourcesHolder, processor: any ChannelProcessor, store: any BlockStore,
    createChannel: @escaping ChannelCreator, cease: @escaping Cessation,
    metrics: ChannelMetrics, time: any TimeSource, logger: Logger
  ) throws {
    self.resources = resources
    self.processor = processor
    self.store = store
    self.createChannel = createChannel
    self.cease = cease
    self.metrics = metrics
    self.logger = logger
    tip = TipSignal(height: store.height)
    retry = LedgerRetry(channelID: resources.channelID, time: time, logger: logger)
    writer = try BlockWriter(
      store: store, signer: resources.signer, configSequence: resources.bundle.sequence,
      retry: retry, time: time, metrics: metrics)
  }

  var channelID: String { resources.channelID }
  var bundle: ConfigBundle { resources.bundle }
  var height: UInt64 { store.height }
  func block(_ number: UInt64) throws -> Block { try store.block(number) }

  func revalidate(normal message: OrderedMessage) throws {
    _ = try processor.processNormal(message.envelope)
  }

  func revalidate(config message: OrderedMessage) throws -> OrderedMessage {
    let (envelope, sequence) = try processor.processConfig(message.envelope)
    return OrderedMessage(
      envelope: try EnvelopeView(envelope), configSequence: sequence, isConfig: true)
  }

  func write(_ blocks: [PendingBlock]) async throws {
    let isForFabric1 = bundle.allowsFabric1
    let contents = blocks.map { block in
      BlockWriter.Content(
        entries: block.batch.map(\.envelope.bytes), consenterMetadata: block.consenterMetadata,
        isForFabric1: isForFabric1)
    }
    try await writer.write(contents, configSequence: bundle.sequence)
    announce()
  }

  func writeConfig(_ message: OrderedMessage, consenterMetadata: [UInt8]) async throws {
    var metadata = consenterMetadata
    switch BlockKind(holding: message.envelope) {
    case .channelCreation(let envelope): try await createChannel(in: envelope)
    case .configuration(let envelope):
      let next = try bundle.successor(in: envelope)
      // The metadata of one consenter means nothing to another one.
      if next.orderer?.consensusType != bundle.orderer?.consensusType { metadata = [] }
      try resources.update(next)
    case .normal:
      throw BlockError(
        channelID: channelID,
        reason: "told to write a config block of header type \(message.envelope.headerType)")
    }
    try await write([PendingBlock(batch: [message], consenterMetadata: metadata)])
  }

  func append(made blocks: [MadeBlock]) async throws {
    var waiting: [MadeBlock] = []
    for block in blocks {
      let kind = block.assembled.kind
      guard kind.isConfigBlock else {
        waiting.append(block)
        continue
      }
      try await append(waiting, under: bundle)
      waiting = []
      // Only what will be in this channel's chain may take effect.
      try writer.check(made: block)
      switch kind {
      case .channelCreation(let envelope): try await createChannel(in: envelope)
      case .configuration(let envelope):
        let next = try bundle.successor(in: envelope)
        // The metadata of one consenter means nothing to another one.
        let isSameConsenter = next.orderer?.consensusType == bundle.orderer?.consensusType
        try await append([isSameConsenter ? block : block.withoutMetadata], under: next)
        continue
      case .normal: break
      }
      try await append([block], under: bundle)
    }
    try await append(waiting, under: bundle)
  }

  /// Seals and commits blocks, after which a configuration is in force.
  private func append(_ blocks: [MadeBlock], under next: ConfigBundle) async throws {
    guard !blocks.isEmpty else { return }
    try await writer.append(
      made: blocks, isForFabric1: next.allowsFabric1, configSequence: next.sequence)
    if next !== bundle { try resources.update(next) }
    announce()
  }

  /// Creates a channel out of an ORDERER_TRANSACTION message, in steps that can be repeated. It needs room
  /// like any block.
  private func createChannel(in envelope: EnvelopeView) async throws {
    let genesis = try EnvelopeView(Array(envelope.data))
    try await retry.run { try await createChannel(genesis) }
  }

  /// Tells readers of new blocks.
  private func announce() {
    tip.grow(to: store.height)
    logger.debug("[channel: \(channelID)] Wrote block [\(store.height - 1)]")
  }

  func fail(reason: String) {
    logger.error(
      """
      [channel: \(channelID)] The channel has halted: \(reason). Deliver goes on for readers that \
      accept a channel in error; other channels are not affected. Restart the orderer once the cause \
      is removed.
      """)
    tip.fail(reason)
  }

  func suspend(reason: String) {
    tip.suspend(reason)
  }

  func recover() {
    tip.recover()
  }

  func ceaseOrdering(reason: String) {
    let isFirst = hasCeased.withLock { hasCeased in
      defer { hasCeased = true }
      return !hasCeased
    }
    if isFirst { cease(reason) }
  }
}

extension ConfigBundle {
  /// Whether orderers of Fabric 1.x may take part in the channel.
  fileprivate var allowsFabric1: Bool {
    let names = channel.capabilities.names.union(orderer?.capabilities.names ?? [])
    return !names.contains("V2_0")
  }
}
