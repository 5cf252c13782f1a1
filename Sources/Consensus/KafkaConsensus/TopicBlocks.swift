// The blocks that a topic's records make: what is pending, where a block ends, and which records it accounts for.

import Ordering

/// The part of ``KafkaCore`` that cuts blocks. Its words and its rules are explained there.
struct TopicBlocks: Sendable {
  typealias Effect = KafkaCore.Effect

  /// Number of the newest block.
  private(set) var newest: UInt64
  /// Original offset of the newest re-submitted message that went into a block.
  private(set) var lastOriginal: Int64
  /// Offset of the newest config message that was re-submitted.
  var lastResubmittedConfig: Int64
  /// Offset of the newest record.
  private(set) var lastConsumed: Int64
  private var cutter = BlockCutter()
  /// Persisted offset of the newest block.
  private var lastPersisted: Int64
  private let persistedAtStart: Int64
  private var timer = BatchTimer()
  /// What the first records after a restart are compared with, until they have shown how the newest
  /// block was cut.
  private var resumed: (block: KafkaCore.NewestBlock, persisted: Int64)?

  init(_ offsets: KafkaOffsets, newestBlock: KafkaCore.NewestBlock) {
    newest = newestBlock.number
    persistedAtStart = offsets.lastPersisted
    lastPersisted = offsets.lastPersisted
    lastOriginal = offsets.lastOriginalProcessed
    lastResubmittedConfig = offsets.lastResubmittedConfig
    lastConsumed = offsets.isBeginning ? -1 : offsets.lastPersisted - 1
    resumed =
      offsets.isBeginning || newestBlock.isConfig ? nil : (newestBlock, offsets.lastPersisted)
  }

  /// Messages that no block holds yet.
  var pendingCount: Int { cutter.pending.count }

  /// Takes note of the next record.
  ///
  /// - Returns: false if the blocks at the start account for it already.
  mutating func consume(_ record: KafkaRecord, _ offset: Int64) -> Bool {
    lastConsumed = offset
    guard offset <= persistedAtStart else { return true }
    // A block that was cut by a time-to-cut record was not cut by the message that follows.
    if let resumed, record == .timeToCut(resumed.block.number) { self.resumed = nil }
    return false
  }

  // MARK: Where a block ends

  /// A record asks to end the block of this number.
  mutating func timeToCut(
    _ number: UInt64, _ offset: Int64, _ limits: BatchLimits
  ) -> [Effect] {
    let next = newest + 1
    // A stale one: several nodes ask for the same block, and the first to be read has cut it.
    if number < next { return [] }
    guard number == next else {
      return [
        .fail(
          """
          record \(offset) of the topic asks to cut block \(number), but the next block here is \
          \(next): this node's chain and the topic do not belong together
          """)
      ]
    }
    var effects = stopTimer()
    resumed = nil
    guard let batch = cutter.cut() else {
      return effects + [
        .fail(
          """
          record \(offset) of the topic asks to cut block \(number), but no message is pending here: \
          this node's chain and the topic do not belong together
          """)
      ]
    }
    var offsets = offsets(offset)
    // See the corners that are kept.
    offsets.lastResubmittedConfig = 0
    effects.append(write(batch, offsets, limits))
    return effects
  }

  /// Puts a message into a block, or among those that wait for one.
  ///
  /// - Parameter original: The newest original offset once the message is in a block.
  mutating func commit(
    _ message: OrderedMessage, original: Int64, _ offset: Int64, _ limits: BatchLimits
  ) -> [Effect] {
    message.isConfig
      ? commitConfig(message, original, offset, limits)
      : commitNormal(message, original, offset, limits)
  }

  private mutating func commitNormal(
    _ message: OrderedMessage, _ original: Int64, _ offset: Int64, _ limits: BatchLimits
  ) -> [Effect] {
    if let resumed {
      self.resumed = nil
      if offset == resumed.persisted + 1,
        Self.wasCut(resumed.block, by: message, limits)
      {
        // The node that cut the block did not note the original offset either: see below.
        _ = cutter.ordered(message, limits: limits)
        return [startTimer()]
      }
    }
    let batches = cutter.ordered(message, limits: limits)
    let isPending = !cutter.pending.isEmpty
    var effects: [Effect] = []
    if !isPending {
      effects += stopTimer()
    } else if !timer.isRunning {
      effects.append(startTimer())
    }
    guard let first = batches.first else {
      lastOriginal = original
      return effects
    }
    var persisted = offset
    if isPending || batches.count == 2 {
      // The message is not in the first block, so its record has to be read again after a restart. If
      // it stays pending, its original offset is never noticed: see the corners that are kept.
      persisted -= 1
    } else {
      lastOriginal = original
    }
    effects.append(write(first, offsets(persisted), limits))
    if batches.count == 2 {
      lastOriginal = original
      effects.append(write(batches[1], offsets(offset), limits))
    }
    return effects
  }

  /// Whether a block was cut because a message did not fit in.
  private static func wasCut(
    _ block: KafkaCore.NewestBlock, by message: OrderedMessage, _ limits: BatchLimits
  ) -> Bool {
    message.size <= limits.preferredMaxBytes && block.messageCount < limits.maxMessageCount
      && limits.maxMessageCount > 1 && block.size <= limits.preferredMaxBytes
      && block.size + message.size > limits.preferredMaxBytes
  }

  private mutating func commitConfig(
    _ message: OrderedMessage, _ original: Int64, _ offset: Int64, _ limits: BatchLimits
  ) -> [Effect] {
    resumed = nil
    var effects = stopTimer()
    if let batch = cutter.cut() { effects.append(write(batch, offsets(offset - 1), limits)) }
    lastOriginal = original
    let offsets = offsets(offset)
    guard advances(to: offsets) else { return effects + [misplaced(offsets)] }
    newest += 1
    effects.append(.writeConfig(message, number: newest, offsets))
    return effects
  }

  private mutating func write(
    _ batch: [OrderedMessage], _ offsets: KafkaOffsets, _ limits: BatchLimits
  ) -> Effect {
    guard Self.fits(batch, limits) else {
      return .broken("block \(newest + 1) would exceed the limits of a batch, or be empty")
    }
    guard advances(to: offsets) else { return misplaced(offsets) }
    newest += 1
    return .write(batch, number: newest, offsets)
  }

  // MARK: What must always hold

  private static func fits(_ batch: [OrderedMessage], _ limits: BatchLimits) -> Bool {
    switch batch.count {
    case 0: false
    case 1: true
    default:
      batch.count <= limits.maxMessageCount
        && batch.reduce(0) { $0 + $1.size } <= limits.preferredMaxBytes
    }
  }

  /// Each block accounts for more records than the one before, and for none that was not consumed.
  private mutating func advances(to offsets: KafkaOffsets) -> Bool {
    guard offsets.lastPersisted > lastPersisted, offsets.lastPersisted <= lastConsumed else {
      return false
    }
    lastPersisted = offsets.lastPersisted
    return true
  }

  private func misplaced(_ offsets: KafkaOffsets) -> Effect {
    .broken(
      """
      block \(newest + 1) would account for the records up to \(offsets.lastPersisted), but the one \
      before does up to \(lastPersisted), and \(lastConsumed) was consumed last
      """)
  }

  private func offsets(_ persisted: Int64) -> KafkaOffsets {
    KafkaOffsets(
      lastPersisted: persisted, lastOriginalProcessed: lastOriginal,
      lastResubmittedConfig: lastResubmittedConfig)
  }

  // MARK: Timer

  /// Takes the expiry of a timer; false if that timer was stopped meanwhile.
  mutating func expired(_ id: BatchTimer.ID) -> Bool { timer.expire(id) }

  /// Starts a timer for what is pending, if none runs.
  mutating func timerForPending() -> BatchTimer.ID? {
    cutter.pending.isEmpty || timer.isRunning ? nil : timer.start()
  }

  private mutating func startTimer() -> Effect { .startTimer(timer.start()) }

  private mutating func stopTimer() -> [Effect] { timer.stop() ? [.stopTimer] : [] }
}
