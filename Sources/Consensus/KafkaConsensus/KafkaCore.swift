// The Kafka protocol without its surroundings: records and expiries go in, blocks and new records
// come out.

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

  private var blocks: TopicBlocks
  private var validation: Validation?
  private var remembered: Set<Int64> = []
  private var clients: Clients

  /// Goes on where a channel's newest block ended.
  package init(_ offsets: KafkaOffsets, newestBlock: NewestBlock) {
    blocks = TopicBlocks(offsets, newestBlock: newestBlock)
    let isConfigUnderWay =
      offsets.lastResubmittedConfig != 0
      && offsets.lastResubmittedConfig > offsets.lastOriginalProcessed
    clients = isConfigUnderWay ? .heldSinceStart : .free
  }

  /// Whether clients have to wait from the start on.
  package var holdsClientsAtStart: Bool { holdsClients }
  private var holdsClients: Bool { if case .free = clients { false } else { true } }

  /// Messages that no block holds yet.
  package var pendingCount: Int { blocks.pendingCount }

  /// Takes the next record. The first one after a restart should be the one that the newest block
  /// ended with; if the topic has lost it, the one after it.
  package mutating func consumed(
    _ record: KafkaRecord, offset: Int64, _ context: Context
  ) -> Step {
    guard validation == nil else {
      return .broken("record \(offset) was consumed while another one was being validated")
    }
    let newest = blocks.lastConsumed
    guard offset > newest else {
      return .effects([.discard("record \(offset) came again after record \(newest)")])
    }
    guard blocks.consume(record, offset) else { return .effects([]) }
    switch record {
    case .connect, .none: return .effects([])
    case .timeToCut(let number): return .effects(blocks.timeToCut(number, offset, context.limits))
    case .regular(let regular):
      switch RegularMessage(regular, offset: offset, resubmission: context.resubmission) {
      case .validated(let message):
        return process(message, original: regular.originalOffset, offset, context)
      case .unvalidated(let message):
        validation = Validation(
          message: message, offset: offset, originalOffset: 0, isCompatibility: true)
        return .validate(message)
      case .unusable(let reason): return .effects([.discard(reason)])
      }
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
        validation.originalOffset == blocks.lastResubmittedConfig
      {
        effects += release()
      }
      return effects
    case .valid(let message):
      if validation.isCompatibility {
        // Without re-submission, what clients wait for is not recognized when it comes back.
        let released = holdsClients && !context.resubmission ? release() : []
        return released
          + blocks.commit(
            validation.message, original: blocks.lastOriginal, validation.offset, context.limits)
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
        blocks.lastResubmittedConfig = validation.offset
        clients = .held
        effects = [.holdClients]
      }
      return effects + [.resubmit(message, originalOffset: validation.offset)]
    }
  }

  /// The batch timer has expired. Does nothing if that timer was stopped meanwhile.
  package mutating func expired(_ id: BatchTimer.ID) -> ExpiryEffect? {
    blocks.expired(id) ? .postTimeToCut(block: blocks.newest + 1) : nil
  }

  /// A time-to-cut record could not be posted. What is pending gets its timer again: without one, it
  /// would wait for the channel's next message.
  package mutating func timeToCutFailed() -> TimerEffect? {
    blocks.timerForPending().map(TimerEffect.startTimer)
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
    guard holdsClients, blocks.lastResubmittedConfig == originalOffset else { return nil }
    clients = .free
    return .releaseClients
  }

  // MARK: Records

  /// A message that was validated before it was ordered.
  ///
  /// - Parameter original: Where it stood before it was re-submitted; 0 if it never was.
  private mutating func process(
    _ message: OrderedMessage, original: Int64, _ offset: Int64, _ context: Context
  ) -> Step {
    let isResubmitted = original != 0
    // A copy of it is in a block.
    if isResubmitted, original <= blocks.lastOriginal { return .effects([]) }
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
    let newestOriginal = isResubmitted ? original : blocks.lastOriginal
    effects += blocks.commit(message, original: newestOriginal, offset, context.limits)
    // Nodes may judge differently, e.g. by their clocks. Then this message was re-submitted by another
    // node only, and what clients wait for counts as a copy from now on.
    if holdsClients, blocks.lastResubmittedConfig <= blocks.lastOriginal { effects += release() }
    return .effects(effects)
  }

  private mutating func resubmittedConfigArrived(
    _ original: Int64, of sequence: UInt64, _ context: Context
  ) -> [Effect] {
    let isAwaited = original == blocks.lastResubmittedConfig && sequence == context.configSequence
    // Another node found the message valid and re-submitted it, this one did not.
    blocks.lastResubmittedConfig = max(blocks.lastResubmittedConfig, original)
    return isAwaited ? release() : []
  }

  // MARK: Clients

  private mutating func release() -> [Effect] {
    clients = .free
    return [.releaseClients]
  }

  private mutating func remember(_ originalOffset: Int64) {
    let processed = blocks.lastOriginal
    remembered = remembered.filter { $0 > processed }
    if remembered.count >= Self.maximumRemembered, let oldest = remembered.min() {
      remembered.remove(oldest)
    }
    remembered.insert(originalOffset)
  }
}
