// The Kafka protocol without its surroundings: records and expiries go in, blocks and new records
// come out.

import Blocks
import FabricProtos
import Ordering

/// Orders the messages of one channel by the records of its topic.
///
/// A value without clock, brokers or ledger: which blocks come out is a function of the records, and of
/// the configurations that these bring into force. Its surroundings, the *shell*, carry out the effects of
/// an input in their order and before the next input.
///
/// ### Terminology
///
/// - *Topic*: the log of one channel, in which all orderers read the same records in the same order.
/// - *Record*: one entry of the topic (``KafkaRecord``): a *regular* one holds a message, a *time-to-cut* one
///   asks to end a block, a *CONNECT* one means nothing.
/// - *Offset*: the number of a record in its topic. Offsets grow by one from record to record.
/// - *Persisted offset*: the offset up to which all records are accounted for by the blocks so far. Each
///   block holds one in its metadata (``KafkaOffsets``), and there a node reads on after a restart.
/// - *Pending*: read, and in no block yet.
/// - *Time-to-cut*: what ends a block when its batch has been pending for the batch time-out. A node whose
///   timer expires posts one for the next block's number; the first that is read ends that block on all
///   nodes, and later ones for the same number are ignored. So no clock decides where a block ends.
/// - *Re-submission*: a message that was validated against an older configuration than the one in force
///   when it is read goes into no block. Every node validates it again and posts it again, with its
///   *original offset*: the offset of the record that it was read from.
/// - *Copy*: a re-submitted message whose original offset is not above the newest one that went into a block.
///   It is dropped: another node's post of the same message was read before.
/// - *Holding clients*: while a re-submitted config message is under way, new messages wait, since they would
///   be validated against a configuration that is about to end.
///
/// ### Corners that are kept
///
/// All nodes of a channel have to agree on its blocks, and Go nodes may be among them. So these rules of
/// Fabric's `consensus/kafka` hold here too, even where they look like mistakes:
///
/// - A re-submitted message that overflows a batch, and so stays pending, is not noticed as the newest one:
///   a copy of it may go into a block as well.
/// - A block that a time-to-cut record ends does not tell the offset of the newest re-submitted config
///   message in its metadata.
/// - A time-to-cut record for a block after the next one, or for the next one while nothing is pending, ends
///   the chain.
/// - A message of an orderer before 1.1, or of a channel without the capability for re-submission, is
///   validated after it was ordered, and is committed as it came.
///
/// ### Departures from Fabric's chain
///
/// Where only this node is concerned, and not which blocks there are:
///
/// - *Restart.* Fabric's chain forgets in a restart that a pending message has overflowed the block before it.
///   It then notices the original offset of that message, which nodes that went on do not. Here the first
///   message after a restart is treated as it was before, if it did not fit into the newest block.
/// - *Copies of what was re-submitted twice.* If a message that was re-submitted is outdated again, Fabric's
///   chain re-submits each copy of it, with an original offset for each, and so makes several messages
///   of one. Here only the first is re-submitted; up to ``maximumRemembered`` are remembered.
/// - *Clients are not held for ever.* They also go on once the message that they wait for turns out invalid,
///   counts as a copy because a later one went into a block before, meets a configuration without
///   re-submission, or is refused by the brokers; and, if they are held since a restart, once all records
///   up to the restart have been read.
/// - *A time-to-cut record that could not be posted* is posted again after another batch time-out. Fabric's
///   chain leaves the batch to the channel's next message.
/// - *A record that comes again* is discarded by its offset.
///
/// And in the shell (``KafkaChain``):
///
/// - *Posts.* A post that may have succeeded is never repeated for a client: that could put one message into two
///   blocks.
/// - *Missing records.* A topic that ends before the newest block's record, a gap that lasts, and records that are
///   gone end the chain with a reason that tells what to do.
/// - *Outages.* Fabric's chain refuses Deliver at the first error. Here an outage has to outlast the read time-out,
///   and reading that may have stopped is probed with CONNECT records.
/// - *Health.* The topic is probed at most twice a minute, and every reason is reported, not only
///   too few replicas.
package struct KafkaCore: Sendable {
  /// How many original offsets of messages re-submitted more than once are remembered, so that
  /// their copies are not re-submitted. Only a config update during another one's re-submission
  /// makes any.
  static let maximumRemembered = 10_000

  private enum Clients {
    /// They may post.
    case free
    /// They wait for a config message that was re-submitted before the start.
    case heldSinceStart
    /// They wait for a config message that was re-submitted since.
    case held
  }

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
  /// Persisted offset of the newest block.
  private var lastPersisted: Int64
  private let persistedAtStart: Int64
  private var timer = BatchTimer()
  private var validation: Validation?
  private var remembered: Set<Int64> = []
  private var clients: Clients
  /// What the first records after a restart are compared with, until they have shown how the newest
  /// block was cut.
  private var resumed: (block: NewestBlock, persisted: Int64)?

  /// Goes on where a channel's newest block ended.
  package init(_ offsets: KafkaOffsets, newestBlock: NewestBlock) {
    lastCut = newestBlock.number
    persistedAtStart = offsets.lastPersisted
    lastPersisted = offsets.lastPersisted
    lastOriginal = offsets.lastOriginalProcessed
    lastResubmittedConfig = offsets.lastResubmittedConfig
    lastConsumed = offsets.isBeginning ? -1 : offsets.lastPersisted - 1
    let isConfigUnderWay =
      offsets.lastResubmittedConfig != 0
      && offsets.lastResubmittedConfig > offsets.lastOriginalProcessed
    clients = isConfigUnderWay ? .heldSinceStart : .free
    resumed =
      offsets.isBeginning || newestBlock.isConfig ? nil : (newestBlock, offsets.lastPersisted)
  }

  /// Whether clients have to wait from the start on.
  package var holdsClientsAtStart: Bool { holdsClients }
  private var holdsClients: Bool { if case .free = clients { false } else { true } }

  /// Messages that no block holds yet.
  package var pendingCount: Int { cutter.pending.count }

  /// Takes the next record. The first one after a restart should be the one that the newest block
  /// ended with; if the topic has lost it, the one after it.
  package mutating func consumed(
    _ record: KafkaRecord, offset: Int64, _ context: Context
  ) -> Step {
    guard validation == nil else {
      return .broken("record \(offset) was consumed while another one was being validated")
    }
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
    case .timeToCut(let number): return .effects(timeToCut(number, offset, context.limits))
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
            ? commitConfig(validation.message, lastOriginal, validation.offset, context.limits)
            : commitNormal(validation.message, lastOriginal, validation.offset, context.limits))
      }
      guard message.isConfig == isConfig,
        message.configSequence >= validation.message.configSequence
      else {
        return [
          .broken(
            """
            validating record \(validation.offset) again has made another kind of message of it, or \
            one for an older configuration
            """)
        ]
      }
      if validation.originalOffset != 0 { remember(validation.originalOffset) }
      var effects: [Effect] = []
      if isConfig {
        lastResubmittedConfig = validation.offset
        clients = .held
        effects = [.holdClients]
      }
      return effects + [.resubmit(message, originalOffset: validation.offset)]
    }
  }

  /// The batch timer has expired. Does nothing if that timer was stopped meanwhile.
  package mutating func expired(_ id: BatchTimer.ID) -> ExpiryEffect? {
    timer.expire(id) ? .postTimeToCut(block: lastCut + 1) : nil
  }

  /// A time-to-cut record could not be posted. What is pending gets its timer again: without one, it
  /// would wait for the channel's next message.
  package mutating func timeToCutFailed() -> TimerEffect? {
    cutter.pending.isEmpty || timer.isRunning ? nil : .startTimer(timer.start())
  }

  /// All records up to the one that this node posted when it started have been consumed. What clients
  /// wait for since the start was in one of them, or was found invalid; what was re-submitted meanwhile
  /// is still to come.
  package mutating func caughtUp() -> ClientEffect? {
    guard case .heldSinceStart = clients else { return nil }
    clients = .free
    return .releaseClients
  }

  /// The brokers will never take a message that ``Effect/resubmit(_:originalOffset:)`` was about.
  package mutating func resubmissionFailed(originalOffset: Int64) -> ClientEffect? {
    guard holdsClients, lastResubmittedConfig == originalOffset else { return nil }
    clients = .free
    return .releaseClients
  }

  // MARK: Records

  private mutating func timeToCut(
    _ number: UInt64, _ offset: Int64, _ limits: BatchLimits
  ) -> [Effect] {
    let next = lastCut + 1
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
    let message = OrderedMessage(
      envelope: envelope, configSequence: regular.configSequence, isConfig: isConfig)
    return process(message, original: regular.originalOffset, offset, context)
  }

  /// A message that was validated before it was ordered.
  ///
  /// - Parameter original: Where it stood before it was re-submitted; 0 if it never was.
  private mutating func process(
    _ message: OrderedMessage, original: Int64, _ offset: Int64, _ context: Context
  ) -> Step {
    let isResubmitted = original != 0
    // A copy of it is in a block.
    if isResubmitted, original <= lastOriginal { return .effects([]) }
    var effects: [Effect] = []
    if isResubmitted, message.isConfig {
      effects = resubmittedConfigArrived(original, of: message.configSequence, context)
    }
    if message.configSequence < context.configSequence {
      // A copy of a message that is on its way again already. Posting it too would give it another
      // original offset, and so make two messages of one.
      if isResubmitted, remembered.contains(original) { return .effects([]) }
      validation = Validation(
        message: message, offset: offset, originalOffset: original, isCompatibility: false)
      return .validate(message)
    }
    let newestOriginal = isResubmitted ? original : lastOriginal
    effects +=
      message.isConfig
      ? commitConfig(message, newestOriginal, offset, context.limits)
      : commitNormal(message, newestOriginal, offset, context.limits)
    // Nodes may judge differently, e.g. by their clocks. Then this message was re-submitted by another
    // node only, and what clients wait for counts as a copy from now on.
    if holdsClients, lastResubmittedConfig <= lastOriginal { effects += release() }
    return .effects(effects)
  }

  private mutating func resubmittedConfigArrived(
    _ original: Int64, of sequence: UInt64, _ context: Context
  ) -> [Effect] {
    let isAwaited = original == lastResubmittedConfig && sequence == context.configSequence
    // Another node found the message valid and re-submitted it, this one did not.
    lastResubmittedConfig = max(lastResubmittedConfig, original)
    return isAwaited ? release() : []
  }

  /// Orderers before 1.1 validated every message after it was ordered, and re-submitted none.
  private mutating func compatible(
    _ envelope: EnvelopeView, _ regular: KafkaRecord.Regular, _ offset: Int64
  ) -> Step {
    let messageClass = MessageClass(envelope)
    if case .configUpdate = messageClass {
      return .effects([.discard("record \(offset) holds a config update, which is never ordered")])
    }
    let message = OrderedMessage(
      envelope: envelope, configSequence: regular.configSequence,
      isConfig: messageClass == .config)
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
    _ block: NewestBlock, by message: OrderedMessage, _ limits: BatchLimits
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
    lastCut += 1
    effects.append(.writeConfig(message, number: lastCut, offsets))
    return effects
  }

  private mutating func write(
    _ batch: [OrderedMessage], _ offsets: KafkaOffsets, _ limits: BatchLimits
  ) -> Effect {
    guard Self.fits(batch, limits) else {
      return .broken("block \(lastCut + 1) would exceed the limits of a batch, or be empty")
    }
    guard advances(to: offsets) else { return misplaced(offsets) }
    lastCut += 1
    return .write(batch, number: lastCut, offsets)
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
      block \(lastCut + 1) would account for the records up to \(offsets.lastPersisted), but the one \
      before does up to \(lastPersisted), and \(lastConsumed) was consumed last
      """)
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
    clients = .free
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
