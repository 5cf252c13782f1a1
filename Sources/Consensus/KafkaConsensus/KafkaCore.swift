// The Kafka protocol without its surroundings: records and expiries go in, blocks and new records
// come out.

import FabricProtos
import Ordering

/// Orders the messages of one channel by the records of its topic.
///
/// A value: which blocks come out is a function of the records, and of the configurations that these
/// bring into force. Effects are to be carried out in order, before the next input. The rules are those
/// of Fabric's `consensus/kafka`, with all their corners, since Go nodes may share the topic.
package struct KafkaCore: Sendable {
  /// Original offsets of messages that were re-submitted more than once, which are remembered so that
  /// their copies are not. Only a config update during another one's re-submission makes any.
  static let maximumRemembered = 10_000

  private struct Validation {
    let message: OrderedMessage
    let offset: Int64
    let originalOffset: Int64
    /// The message is committed as it came, and at once, as orderers before 1.1 did.
    let isCompatibility: Bool
  }

  private var cutter = BlockCutter()
  private var lastCut: UInt64
  private var lastOriginal: Int64
  private var lastResubmittedConfig: Int64
  private var lastConsumed: Int64
  private let persistedAtStart: Int64
  private var timer = BatchTimer()
  private var validation: Validation?
  private var remembered: Set<Int64> = []
  private var holdsClients: Bool
  /// Whether they are held for a config message that was re-submitted before the start.
  private var holdsSinceStart: Bool
  /// What the first records after a restart are compared with, until they have shown how the newest
  /// block was cut.
  private var resumed: (block: NewestBlock, persisted: Int64)?

  /// Goes on where a channel's newest block ended.
  package init(_ offsets: KafkaOffsets, newestBlock: NewestBlock) {
    lastCut = newestBlock.number
    persistedAtStart = offsets.lastPersisted
    lastOriginal = offsets.lastOriginalProcessed
    lastResubmittedConfig = offsets.lastResubmittedConfig
    lastConsumed = offsets.isBeginning ? -1 : offsets.lastPersisted - 1
    holdsClients =
      offsets.lastResubmittedConfig != 0
      && offsets.lastResubmittedConfig > offsets.lastOriginalProcessed
    holdsSinceStart = holdsClients
    resumed =
      offsets.isBeginning || newestBlock.isConfig ? nil : (newestBlock, offsets.lastPersisted)
  }

  /// Whether clients have to wait from the start on.
  package var holdsClientsAtStart: Bool { holdsClients }

  /// Messages that no block holds yet.
  package var pendingCount: Int { cutter.pending.count }

  /// Takes the next record. The first one after a restart should be the one that the newest block
  /// ended with; if the topic has lost it, the one after it.
  package mutating func consumed(
    _ record: KafkaRecord, offset: Int64, _ context: Context
  ) -> Step {
    guard offset > lastConsumed else {
      return .effects([.discard("record \(offset) came again after record \(lastConsumed)")])
    }
    lastConsumed = offset
    guard offset > persistedAtStart else {
      // A block that was cut by a time-to-cut record was not cut by the message that follows.
      if let resumed, record == .timeToCut(resumed.block.number) { self.resumed = nil }
      return .effects([])
    }
    switch record {
    case .connect, .none: return .effects([])
    case .timeToCut(let number): return .effects(timeToCut(number, offset))
    case .regular(let regular): return process(regular, offset, context)
    }
  }

  /// Takes the answer to ``Step/validate(_:)``.
  package mutating func validated(_ verdict: Verdict, _ context: Context) -> [Effect] {
    guard let validation else { return [] }
    self.validation = nil
    let isConfig = validation.message.isConfig
    switch verdict {
    case .invalid(let reason):
      let kind = isConfig ? "config" : "normal"
      var effects = [Effect.discard("the \(kind) message is not valid any more: \(reason)")]
      // The message that clients wait for will not come back.
      if isConfig, validation.originalOffset != 0,
        validation.originalOffset == lastResubmittedConfig
      {
        effects += release()
      }
      return effects
    case .valid(let message):
      if validation.isCompatibility {
        // Without re-submission, what clients wait for is not recognized when it comes back.
        let released = holdsClients && !context.resubmission ? release() : []
        return released
          + (isConfig
            ? commitConfig(validation.message, lastOriginal, validation.offset)
            : commitNormal(validation.message, lastOriginal, validation.offset, context.limits))
      }
      if validation.originalOffset != 0 { remember(validation.originalOffset) }
      var effects: [Effect] = []
      if isConfig {
        lastResubmittedConfig = validation.offset
        holdsClients = true
        holdsSinceStart = false
        effects = [.holdClients]
      }
      return effects + [.resubmit(message, originalOffset: validation.offset)]
    }
  }

  /// The batch timer has expired. Does nothing if that timer was stopped meanwhile.
  package mutating func expired(_ id: BatchTimer.ID) -> [Effect] {
    timer.expire(id) ? [.postTimeToCut(block: lastCut + 1)] : []
  }

  /// A time-to-cut record could not be posted. What is pending gets its timer again: without one, it
  /// would wait for the channel's next message.
  package mutating func timeToCutFailed() -> [Effect] {
    cutter.pending.isEmpty || timer.isRunning ? [] : [startTimer()]
  }

  /// All records up to the one that this node posted when it started have been consumed. What clients
  /// wait for since the start was in one of them, or was found invalid; what was re-submitted meanwhile
  /// is still to come.
  package mutating func caughtUp() -> [Effect] {
    holdsClients && holdsSinceStart ? release() : []
  }

  /// The brokers will never take a message that ``Effect/resubmit(_:originalOffset:)`` was about.
  package mutating func resubmissionFailed(originalOffset: Int64) -> [Effect] {
    holdsClients && lastResubmittedConfig == originalOffset ? release() : []
  }

  // MARK: Records

  private mutating func timeToCut(_ number: UInt64, _ offset: Int64) -> [Effect] {
    let next = lastCut + 1
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
    // The reference implementation leaves the last field out here, and so do all nodes.
    effects.append(
      .write(
        batch,
        KafkaOffsets(
          lastPersisted: offset, lastOriginalProcessed: lastOriginal, lastResubmittedConfig: 0)))
    lastCut = next
    return effects
  }

  private mutating func process(
    _ regular: KafkaRecord.Regular, _ offset: Int64, _ context: Context
  ) -> Step {
    let envelope: EnvelopeView
    let hasHeader: Bool
    do {
      let bytes = try EnvelopeView.canonicalBytes(regular.payload)
      let view = try? EnvelopeView(bytes)
      hasHeader = view != nil
      envelope = try view ?? EnvelopeView(opaque: bytes)
    } catch {
      return .effects([.discard("record \(offset) holds no envelope: \(error)")])
    }
    if regular.messageClass == .unknown || !context.resubmission {
      guard hasHeader else {
        return .effects([.discard("record \(offset) holds an envelope without a header")])
      }
      return compatible(envelope, regular, offset)
    }
    let isConfig: Bool
    switch regular.messageClass {
    case .normal: isConfig = false
    case .config: isConfig = true
    case .unknown, .other:
      return .effects([
        .discard("record \(offset) is of the unknown class \(regular.messageClass)")
      ])
    }
    var effects: [Effect] = []
    if regular.originalOffset != 0 {
      guard regular.originalOffset > lastOriginal else { return .effects([]) }
      if isConfig {
        if regular.originalOffset == lastResubmittedConfig,
          regular.configSequence == context.configSequence
        {
          effects += release()
        }
        // Another node found the message valid and re-submitted it, this one did not.
        lastResubmittedConfig = max(lastResubmittedConfig, regular.originalOffset)
      }
    }
    let message = OrderedMessage(
      envelope: envelope, configSequence: regular.configSequence, isConfig: isConfig)
    if regular.configSequence < context.configSequence {
      // A copy of a message that is on its way again already. Posting it too would give it another
      // original offset, and so make two messages of one.
      if regular.originalOffset != 0, remembered.contains(regular.originalOffset) {
        return .effects([])
      }
      validation = Validation(
        message: message, offset: offset, originalOffset: regular.originalOffset,
        isCompatibility: false)
      return .validate(message)
    }
    let original = regular.originalOffset == 0 ? lastOriginal : regular.originalOffset
    effects +=
      isConfig
      ? commitConfig(message, original, offset)
      : commitNormal(message, original, offset, context.limits)
    // Nodes may judge differently, e.g. by their clocks. What came first was then re-submitted by
    // another node alone, and what clients wait for counts as a copy.
    if holdsClients, lastResubmittedConfig <= lastOriginal { effects += release() }
    return .effects(effects)
  }

  /// Orderers before 1.1 validated every message after it was ordered, and re-submitted none.
  private mutating func compatible(
    _ envelope: EnvelopeView, _ regular: KafkaRecord.Regular, _ offset: Int64
  ) -> Step {
    let isConfig: Bool
    switch Int(envelope.headerType) {
    case Common_HeaderType.configUpdate.rawValue:
      return .effects([.discard("record \(offset) holds a config update, which is never ordered")])
    case Common_HeaderType.config.rawValue, Common_HeaderType.ordererTransaction.rawValue:
      isConfig = true
    default: isConfig = false
    }
    let message = OrderedMessage(
      envelope: envelope, configSequence: regular.configSequence, isConfig: isConfig)
    validation = Validation(
      message: message, offset: offset, originalOffset: 0, isCompatibility: true)
    return .validate(message)
  }

  // MARK: Blocks

  private mutating func commitNormal(
    _ message: OrderedMessage, _ original: Int64, _ offset: Int64, _ limits: BatchLimits
  ) -> [Effect] {
    if let resumed {
      self.resumed = nil
      if offset == resumed.persisted + 1,
        Self.wasCut(resumed.block, by: message, limits)
      {
        // See below: the node that cut the block did not take notice of the original offset either.
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
      // The message is not in the first block, which has to be read again after a restart. If it
      // stays pending, the reference implementation never takes notice of its original offset, so
      // that a copy of it is not recognized; all nodes have to agree on that.
      persisted -= 1
    } else {
      lastOriginal = original
    }
    effects.append(write(first, persisted))
    if batches.count == 2 {
      lastOriginal = original
      effects.append(write(batches[1], offset))
    }
    return effects
  }

  /// Whether a block was cut because a message did not fit in.
  private static func wasCut(
    _ block: NewestBlock, by message: OrderedMessage, _ limits: BatchLimits
  ) -> Bool {
    message.size <= limits.preferredMaxBytes && block.messageCount < limits.maxMessageCount
      && limits.maxMessageCount > 1 && block.size <= limits.preferredMaxBytes
      && block.size + message.size > limits.preferredMaxBytes
  }

  private mutating func commitConfig(
    _ message: OrderedMessage, _ original: Int64, _ offset: Int64
  ) -> [Effect] {
    resumed = nil
    var effects = stopTimer()
    if let batch = cutter.cut() { effects.append(write(batch, offset - 1)) }
    lastOriginal = original
    lastCut += 1
    effects.append(.writeConfig(message, offsets(offset)))
    return effects
  }

  private mutating func write(_ batch: [OrderedMessage], _ persisted: Int64) -> Effect {
    lastCut += 1
    return .write(batch, offsets(persisted))
  }

  private func offsets(_ persisted: Int64) -> KafkaOffsets {
    KafkaOffsets(
      lastPersisted: persisted, lastOriginalProcessed: lastOriginal,
      lastResubmittedConfig: lastResubmittedConfig)
  }

  // MARK: Timer and clients

  private mutating func startTimer() -> Effect { .startTimer(timer.start()) }

  private mutating func stopTimer() -> [Effect] { timer.stop() ? [.stopTimer] : [] }

  private mutating func release() -> [Effect] {
    holdsClients = false
    return [.releaseClients]
  }

  private mutating func remember(_ originalOffset: Int64) {
    let processed = lastOriginal
    remembered = remembered.filter { $0 > processed }
    if remembered.count >= Self.maximumRemembered, let oldest = remembered.min() {
      remembered.remove(oldest)
    }
    remembered.insert(originalOffset)
  }
}
