// Carries records from the topic through the core into blocks.

import CRdKafka
import FabricProtos
import Logging
import Ordering

/// The topic is not the one that this chain was made from.
enum TopicMismatch: Error, CustomStringConvertible {
  /// The topic ends before the records that the chain accounts for.
  case shorter(topic: String, persisted: Int64, block: UInt64, end: Int64)
  /// Records are missing between others.
  case gap(topic: String, from: Int64, to: Int64)
  /// Records that the chain needs are gone.
  case gone(topic: String, wanted: Int64, block: UInt64, available: Range<Int64>?)

  var description: String {
    switch self {
    case .shorter(let topic, let persisted, let block, let end):
      """
      the topic \(topic) ends at offset \(end), but block \(block) of this channel was made from the \
      record at offset \(persisted): the topic was deleted and created again, or has lost records. \
      Restore the topic, or move the channel to a new network; an orderer that goes on would fork it
      """
    case .gap(let topic, let from, let to):
      """
      the topic \(topic) has no records from offset \(from) to \(to - 1), but some before and after. \
      Topics must not be compacted (cleanup.policy=delete) nor written to by anybody but orderers; \
      compare this channel with those of other orderers before going on
      """
    case .gone(let topic, let wanted, let block, let available):
      """
      the record at offset \(wanted) of the topic \(topic), which follows block \(block) of this \
      channel, is not available any more\
      \(available.map { ": the topic has the offsets from \($0.lowerBound) on" } ?? ""). The brokers' \
      retention has removed it. Stop this orderer, copy the channel's ledger from an orderer that \
      has later blocks, start it again; and set the topic's retention.ms and retention.bytes to -1
      """
    }
  }
}

/// The part of the chain's task that runs once the topic is there.
struct RecordWorker {
  let chain: KafkaChain
  var core: KafkaCore
  let client: KafkaClient
  let topic: PostingTopic
  let reader: PartitionReader
  let gate: ClientGate
  let trouble: ChainTrouble
  /// Offset of the CONNECT record that this chain posted when it started.
  let connectedAt: Int64
  let offsets: KafkaOffsets

  private var timer: Task<Void, Never>?
  private var fill: BatchFillMeter
  private var blocks: [PendingBlock] = []
  private var blockBytes = 0
  /// The offset in the metadata of the last of them.
  private var blocksPersist: Int64 = 0
  /// Offset of the next record.
  private var expected: Int64
  /// How often in a row the record at that offset was missing.
  private var gaps = 0
  /// After so many attempts, about ten seconds, a gap counts as lasting.
  private static let maximumGaps = 8
  private var isCaughtUp = false

  init(
    chain: KafkaChain, core: KafkaCore, client: KafkaClient, topic: PostingTopic,
    reader: PartitionReader, gate: ClientGate, trouble: ChainTrouble, connectedAt: Int64,
    offsets: KafkaOffsets
  ) {
    self.chain = chain
    self.core = core
    self.client = client
    self.topic = topic
    self.reader = reader
    self.gate = gate
    self.trouble = trouble
    self.connectedAt = connectedAt
    self.offsets = offsets
    expected = offsets.isBeginning ? 0 : offsets.lastPersisted
    fill = BatchFillMeter(chain.support.metrics)
  }

  /// Reads and writes until the chain is halted or cannot go on.
  mutating func run() async throws {
    try reader.start(at: expected)
    defer { timer?.cancel() }
    while true {
      try chain.checkHalted()
      let (expired, failed) = chain.signals.withLock { signals in
        defer {
          signals.expiredTimer = nil
          signals.timeToCutFailed = false
        }
        return (signals.expiredTimer, signals.timeToCutFailed)
      }
      if let expired { try await carryOut(core.expired(expired)) }
      if failed { try await carryOut(core.timeToCutFailed()) }
      let items = reader.read()
      if items.isEmpty {
        await chain.wakeup.wait()
        continue
      }
      for item in items {
        try chain.checkHalted()
        guard try await take(item) else { break }
      }
      try await flush()
    }
  }

  /// Takes what was read; false if the rest of what came with it is void.
  private mutating func take(_ item: PartitionReader.Item) async throws -> Bool {
    switch item {
    case .record(let record, let offset):
      guard offset <= expected else {
        try await readAgain(insteadOf: offset)
        return false
      }
      chain.log(.debug, "Consumed record \(offset)")
      expected = max(expected, offset + 1)
      gaps = 0
      trouble.set(.reading, nil)
      if let record {
        try await process(record, offset)
      } else {
        chain.log(.error, "Unable to unmarshal consumed message: record \(offset) is skipped")
      }
      if !isCaughtUp, offset >= connectedAt {
        isCaughtUp = true
        try await carryOut(core.caughtUp())
      }
    case .offsetUnavailable:
      // The newest block's own record is read again only to look at it; it may be gone.
      if expected == offsets.lastPersisted {
        expected += 1
        await reader.stop()
        try reader.start(at: expected)
        return false
      }
      throw TopicMismatch.gone(
        topic: topic.name, wanted: expected, block: chain.support.height - 1,
        available: await reader.offsets(timeout: chain.settings.readTimeout))
    case .problem(let error):
      chain.log(.warning, "Error during consumption: \(error)")
      trouble.set(.reading, "\(error)")
      probe()
    }
    return true
  }

  /// Records of a topic follow each other without gaps, unless brokers misbehave; a node that goes on
  /// after one would write other blocks than nodes that have got the missing records.
  private mutating func readAgain(insteadOf offset: Int64) async throws {
    gaps += 1
    guard gaps <= Self.maximumGaps else {
      throw TopicMismatch.gap(topic: topic.name, from: expected, to: offset)
    }
    chain.log(
      .warning,
      "After record \(expected - 1) of the topic came record \(offset), reading again from there")
    await reader.stop()
    try await chain.pause(.milliseconds(50) * (1 << min(gaps, 6)))
    try reader.start(at: expected)
  }

  private mutating func process(_ record: KafkaRecord, _ offset: Int64) async throws {
    let context = try context()
    switch core.consumed(record, offset: offset, context) {
    case .effects(let effects): try await carryOut(effects)
    case .validate(let message):
      // What was cut before should not wait for that.
      try await flush()
      let verdict: KafkaCore.Verdict
      do {
        if message.isConfig {
          verdict = .valid(try chain.support.revalidate(config: message))
        } else {
          try chain.support.revalidate(normal: message)
          verdict = .valid(
            OrderedMessage(
              envelope: message.envelope, configSequence: context.configSequence, isConfig: false))
        }
      } catch {
        verdict = .invalid("\(error)")
        chain.support.metrics.dropped(.invalidated)
      }
      try await carryOut(core.validated(verdict, context))
    }
  }

  private func context() throws -> KafkaCore.Context {
    let bundle = chain.support.bundle
    let orderer = try bundle.requireOrderer()
    return KafkaCore.Context(
      configSequence: bundle.sequence, resubmission: orderer.capabilities.resubmission,
      limits: BatchLimits(orderer.batchSize))
  }

  private mutating func carryOut(_ effects: [KafkaCore.Effect]) async throws {
    let cuts = effects.count { if case .write = $0 { true } else { false } }
    fill.note(cuts: cuts, isPending: core.pendingCount > 0)
    for effect in effects {
      switch effect {
      case .write(let batch, let offsets):
        blocks.append(PendingBlock(batch: batch, consenterMetadata: offsets.serialized()))
        blocksPersist = offsets.lastPersisted
        blockBytes += batch.reduce(0) { $0 + $1.size }
        if blocks.count >= PendingBlock.maximumCount || blockBytes >= PendingBlock.maximumBytes {
          try await flush()
        }
      case .writeConfig(let message, let offsets):
        try await flush()
        try await chain.support.writeConfig(message, consenterMetadata: offsets.serialized())
        chain.lastPersisted.record(offsets.lastPersisted)
      case .startTimer(let id): startTimer(id)
      case .stopTimer:
        timer?.cancel()
        timer = nil
      case .postTimeToCut(let number): postTimeToCut(number)
      case .resubmit(let message, let original): try await resubmit(message, original)
      case .holdClients: gate.hold()
      case .releaseClients: gate.release()
      case .discard(let reason): chain.log(.warning, "Discarding a message: \(reason)")
      case .fail(let reason):
        throw BlockWriterError(channelID: chain.channelID, reason: reason)
      }
    }
  }

  /// Writes the blocks that were cut from records that arrived together.
  private mutating func flush() async throws {
    guard !blocks.isEmpty else { return }
    let cut = blocks
    blocks = []
    blockBytes = 0
    try await chain.support.write(cut)
    chain.lastPersisted.record(blocksPersist)
  }

  private mutating func startTimer(_ id: BatchTimer.ID) {
    timer?.cancel()
    let timeout = chain.support.bundle.orderer?.batchTimeout ?? .seconds(2)
    timer = Task { [chain] in
      guard (try? await Task.sleep(for: timeout)) != nil else { return }
      chain.signals.withLock { $0.expiredTimer = id }
      chain.wakeup.set()
    }
  }

  private func postTimeToCut(_ number: UInt64) {
    let delivery = topic.post([.timeToCut(number)])
    Task { [chain] in
      guard let code = await delivery.outcome().failure else { return }
      chain.log(
        .warning, "Cannot post time-to-cut for block [\(number)]: \(KafkaError.name(code))")
      chain.signals.withLock { $0.timeToCutFailed = true }
      chain.wakeup.set()
    }
  }

  /// Posts a message again; does not give up before it is in the topic, since its client has been
  /// told so.
  private func resubmit(_ message: OrderedMessage, _ originalOffset: Int64) async throws {
    let record = KafkaRecord.regular(
      KafkaRecord.Regular(
        payload: message.envelope.bytes, configSequence: message.configSequence,
        messageClass: message.isConfig ? .config : .normal, originalOffset: originalOffset))
    var backoff = max(chain.settings.producerRetryBackoff, .milliseconds(10))
    while true {
      let outcome = await chain.awaitDelivery(topic.post([record]))
      try chain.checkHalted()
      guard let code = outcome.failure else { return }
      if code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue {
        chain.log(.error, "The message of record \(originalOffset) is lost: it is too large now")
        chain.support.metrics.dropped(.tooLarge)
        return
      }
      chain.log(
        .warning,
        "Need to retry to re-submit the message of record \(originalOffset): \(KafkaError.name(code))"
      )
      try await chain.pause(backoff)
      backoff = min(backoff * 2, .seconds(5))
    }
  }

  /// Makes a record that shows, once it is read, that reading works again.
  private func probe() {
    let pause = max(chain.settings.consumerRetryBackoff, .seconds(1))
    guard trouble.beginProbing() else { return }
    Task { [client, topic, trouble] in
      while (try? await Task.sleep(for: pause)) != nil, trouble.isProbing {
        if !client.isDown { _ = await topic.post([.connect]).outcome() }
      }
    }
  }
}
