// Carries records from the topic through the core into blocks.

import KafkaClient
import Logging
import Ordering

/// The part of the chain's task that runs once the topic is there: takes what was read, in order, and asks
/// the core what follows from it.
///
/// What the core wants done is in `RecordWorker+Effects.swift`, writing blocks in `RecordWorker+Blocks.swift`,
/// and what happens while reading fails in `RecordWorker+Trouble.swift`.
struct RecordWorker {
  let chain: KafkaChain
  let topic: OpenTopic
  var core: KafkaCore
  var timer: BatchAlarm
  var fill: BatchFillMeter
  var blocks: BlockQueue
  private var position: RecordPosition
  private var isCaughtUp = false

  init(chain: KafkaChain, topic: OpenTopic) {
    self.chain = chain
    self.topic = topic
    core = KafkaCore(chain.offsets, newestBlock: chain.newestBlock)
    timer = BatchAlarm(time: chain.time) { [wakeUp = chain.wakeUp] in wakeUp.set() }
    fill = BatchFillMeter(chain.support.metrics, time: chain.time)
    blocks = BlockQueue(newestBlock: chain.newestBlock.number)
    position = RecordPosition(chain.offsets)
  }

  /// Reads and writes until the chain is halted or cannot go on.
  mutating func run() async throws {
    try topic.reader.start(at: position.expected)
    defer { timer.stop() }
    while true {
      try chain.checkHalted()
      try takeNews()
      let items = topic.reader.read()
      if items.isEmpty {
        await chain.wakeUp.wait()
      } else {
        try await take(items)
      }
    }
  }

  /// Takes what other tasks have to say.
  private mutating func takeNews() throws {
    for news in chain.state.change({ $0.takeNews() }) {
      switch news {
      case .readingDoubted(let reason): suspect(reason)
      case .timeToCutFailed: try carryOut(core.timeToCutFailed())
      case .brokersReturned: break
      }
    }
    if let expired = timer.takeExpired() { carryOut(core.expired(expired)) }
  }

  /// Takes what was read together, and writes the blocks that come of it.
  private mutating func take(_ items: [TopicReader.Item]) async throws {
    do {
      for item in items {
        try chain.checkHalted()
        guard try await take(item) else { break }
      }
    } catch {
      // Blocks that were cut before the record that ends the chain are as good as any.
      if !(error is Halted) { try await flush() }
      throw error
    }
    try await flush()
  }

  /// Takes one item; false if the rest of what came with it is void.
  private mutating func take(_ item: TopicReader.Item) async throws -> Bool {
    switch item {
    case .record(let record, let offset): return try await take(record, offset)
    case .offsetUnavailable:
      try await skipOrFail()
      return false
    case .problem(let error):
      suspect("\(error)")
      return true
    }
  }

  private mutating func take(_ record: KafkaRecord?, _ offset: Int64) async throws -> Bool {
    guard position.advance(beyond: offset) else {
      try await readAgain(insteadOf: offset)
      return false
    }
    chain.log(.debug, "Consumed record \(offset)")
    chain.trouble.readingWorks()
    if let record {
      try await process(record, offset)
    } else {
      chain.log(.error, "Unable to unmarshal consumed message: record \(offset) is skipped")
    }
    if !isCaughtUp, offset >= topic.connectedAt {
      isCaughtUp = true
      carryOut(core.caughtUp())
    }
    return true
  }

  private mutating func process(_ record: KafkaRecord, _ offset: Int64) async throws {
    let context = try context()
    switch core.consumed(record, offset: offset, context) {
    case .effects(let effects): try await carryOut(effects)
    case .validate(let message):
      // What was cut before should not wait for that.
      try await flush()
      let verdict = validate(message, context)
      if case .invalid = verdict { chain.support.metrics.dropped(.invalidated) }
      try await carryOut(core.validated(verdict, context))
    }
  }

  /// Validates a message against the configuration in force.
  private func validate(
    _ message: OrderedMessage, _ context: KafkaCore.Context
  ) -> KafkaCore.Verdict {
    do {
      if message.isConfig { return .valid(try chain.support.revalidate(config: message)) }
      try chain.support.revalidate(normal: message)
      return .valid(
        OrderedMessage(
          envelope: message.envelope, configSequence: context.configSequence, isConfig: false))
    } catch { return .invalid("\(error)") }
  }

  func context() throws -> KafkaCore.Context {
    let bundle = chain.support.bundle
    let orderer = try bundle.requiredOrderer(orThrow: ChannelFault.init)
    return KafkaCore.Context(
      configSequence: bundle.sequence, resubmission: orderer.capabilities.resubmission,
      limits: BatchLimits(orderer.batchSize))
  }

  // MARK: Missing records

  /// The expected record is not in the topic.
  private mutating func skipOrFail() async throws {
    // That of the newest block is read again only to look at it; it may be gone.
    if position.expected == chain.offsets.lastPersisted {
      position.skip()
      await topic.reader.stop()
      return try topic.reader.start(at: position.expected)
    }
    // The error names the newest block.
    try await flush()
    throw TopicMismatch.unavailable(
      topic: chain.channelID, wanted: position.expected, block: max(chain.support.height, 1) - 1,
      available: await topic.reader.offsets(timeout: chain.settings.client.readTimeout))
  }

  /// Records are missing before the one that was read.
  private mutating func readAgain(insteadOf offset: Int64) async throws {
    guard let pause = position.pauseAfterGap() else {
      throw TopicMismatch.gap(topic: chain.channelID, from: position.expected, to: offset)
    }
    chain.log(
      .warning,
      """
      After record \(position.expected - 1) of the topic came record \(offset), reading again from \
      there
      """)
    try await flush()
    await topic.reader.stop()
    try await chain.pause(pause)
    try topic.reader.start(at: position.expected)
  }
}
