// Carries records from the topic through the core into blocks.

import CRdKafka
import ChannelConfig
import FabricProtos
import Logging
import Ordering

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

  private var timer: BatchAlarm
  private var fill: BatchFillMeter
  private var waiting = GroupCommit()
  /// The offset in the metadata of the last block that waits.
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
    timer = BatchAlarm(time: chain.time) { [wakeup = chain.wakeup] in wakeup.set() }
    fill = BatchFillMeter(chain.support.metrics, time: chain.time)
  }

  /// Reads and writes until the chain is halted or cannot go on.
  mutating func run() async throws {
    try reader.start(at: expected)
    defer { timer.stop() }
    while true {
      try chain.checkHalted()
      let (failed, doubt) = chain.signals.withLock { signals in
        defer {
          signals.timeToCutFailed = false
          signals.doubt = nil
        }
        return (signals.timeToCutFailed, signals.doubt)
      }
      if let doubt { suspect(doubt) }
      if let expired = timer.takeExpired() { try await carryOut(core.expired(expired)) }
      if failed { try await carryOut(core.timeToCutFailed()) }
      let items = reader.read()
      if items.isEmpty {
        await chain.wakeup.wait()
        continue
      }
      do {
        for item in items {
          try chain.checkHalted()
          guard try await take(item) else { break }
        }
      } catch {
        // Blocks that were cut before the record that ends the chain are as good as any.
        if !(error is KafkaChain.Halted) { try await flush() }
        throw error
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
      // The newest block is named.
      try await flush()
      throw TopicMismatch.unavailable(
        topic: topic.name, wanted: expected, block: max(chain.support.height, 1) - 1,
        available: await reader.offsets(timeout: chain.settings.readTimeout))
    case .problem(let error):
      suspect("\(error)")
    }
    return true
  }

  /// Takes notice of a reason why no records may come.
  private func suspect(_ reason: String) {
    chain.log(.warning, "Error during consumption: \(reason)")
    trouble.set(.reading, reason)
    probe()
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
    try await flush()
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
    let orderer = try bundle.requiredOrderer(orThrow: ChannelFault.init)
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
        waiting.add(PendingBlock(batch: batch, consenterMetadata: offsets.serialized()))
        blocksPersist = offsets.lastPersisted
        if waiting.isFull { try await flush() }
      case .writeConfig(let message, let offsets):
        try await flush()
        try await chain.support.writeConfig(message, consenterMetadata: offsets.serialized())
        chain.lastPersisted.record(offsets.lastPersisted)
      case .startTimer(let id):
        let orderer = try chain.support.bundle.requiredOrderer(orThrow: ChannelFault.init)
        timer.start(id, for: orderer.batchTimeout)
      case .stopTimer: timer.stop()
      case .postTimeToCut(let number): postTimeToCut(number)
      case .resubmit(let message, let original):
        guard try await resubmit(message, original) else {
          try await carryOut(core.resubmissionFailed(originalOffset: original))
          continue
        }
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
    guard !waiting.isEmpty else { return }
    try await chain.support.write(waiting.take())
    chain.lastPersisted.record(blocksPersist)
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
  /// told so. False if the brokers will never take it.
  private func resubmit(_ message: OrderedMessage, _ originalOffset: Int64) async throws -> Bool {
    let record = KafkaRecord.regular(
      KafkaRecord.Regular(
        payload: message.envelope.bytes, configSequence: message.configSequence,
        messageClass: message.isConfig ? .config : .normal, originalOffset: originalOffset))
    var backoff = max(chain.settings.producerRetryBackoff, .milliseconds(10))
    while true {
      let outcome = await chain.awaitDelivery(topic.post([record]))
      try chain.checkHalted()
      guard let code = outcome.failure else { return true }
      if KafkaError.isTooLarge(code) {
        chain.log(.error, "The message of record \(originalOffset) is lost: it is too large now")
        chain.support.metrics.dropped(.tooLarge)
        return false
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
    guard let number = trouble.beginProbing() else { return }
    Task { [client, topic, trouble] in
      while (try? await Task.sleep(for: pause)) != nil, trouble.isProbing(number) {
        if !client.isDown { _ = await topic.post([.connect]).outcome() }
      }
    }
  }
}
