// What a node acknowledged and no block holds yet, so that a change of leader does not lose it.

import Ordering

/// The messages of this node's own clients, in the order in which they came, until they are in a block that this node
/// has applied.
///
/// A leader keeps the order of what one node hands it: so when a message is in a block, those before it are in one
/// too, or the leader has found that the configuration does not allow them any more.
///
/// A value without clock or I/O.
package struct Resubmission: Sendable {
  /// Bytes of messages beyond which no more are taken.
  static let maximumBytes = 32 << 20
  /// Messages beyond which no more are taken.
  static let maximumCount = 20_000

  private struct Kept: Sendable {
    let message: OrderedMessage
    let key: MessageKey
  }

  /// In order; nil for one that is done with although an earlier one is not.
  private var slots: ArraySlice<Kept?> = []
  /// Of the first slot.
  private var firstNumber: UInt64 = 0
  /// Of the first message that has not been handed on since the last ``startOver()``.
  private var nextNumber: UInt64 = 0
  /// The oldest message of each key.
  private var numbers: [MessageKey: UInt64] = [:]
  /// Further messages of a key, in order: clients may repeat themselves.
  private var repeated: [MessageKey: [UInt64]] = [:]
  /// Messages below were handed on to an earlier leader.
  private var earlierNumber: UInt64 = 0
  private var resubmitted = 0
  package private(set) var bytes = 0
  /// Messages that are kept.
  package private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var hasRoom: Bool { bytes < Self.maximumBytes && count < Self.maximumCount }
  /// Whether some have not been handed on.
  var hasNext: Bool { nextNumber < endNumber }

  private var endNumber: UInt64 { firstNumber + UInt64(slots.count) }

  // MARK: Clients

  mutating func keep(_ message: OrderedMessage) {
    let key = MessageKey(message)
    let number = endNumber
    slots.append(Kept(message: message, key: key))
    count += 1
    bytes += message.envelope.bytes.count
    if numbers[key] == nil {
      numbers[key] = number
    } else {
      repeated[key, default: []].append(number)
    }
  }

  // MARK: The leader

  /// The next message to hand on; it counts as handed on from now.
  mutating func next() -> OrderedMessage? { takeNext()?.message }

  private mutating func takeNext() -> (message: OrderedMessage, number: UInt64)? {
    guard hasNext, let kept = slots[index(of: nextNumber)] else { return nil }
    defer { skipGaps() }
    if nextNumber < earlierNumber { resubmitted += 1 }
    nextNumber += 1
    return (kept.message, nextNumber - 1)
  }

  /// The next one is not one that is done with.
  private mutating func skipGaps() {
    while hasNext, slots[index(of: nextNumber)] == nil { nextNumber += 1 }
  }

  /// As many of the next messages as make a burst; one at least, if there is any.
  ///
  /// - Parameter origin: What is told of the message with a number, from 0 on.
  mutating func nextBurst(
    maximumCount: Int, maximumBytes: Int, as origin: (UInt64) -> SubmissionOrigin
  ) -> [OrderedMessage] {
    var burst: [OrderedMessage] = []
    var size = 0
    while burst.count < maximumCount, size < maximumBytes, let (message, number) = takeNext() {
      burst.append(message.handed(on: origin(number)))
      size += message.envelope.bytes.count
    }
    return burst
  }

  /// Nobody knows what became of those that were handed on: all that are kept are to be handed on again.
  mutating func startOver() {
    earlierNumber = max(earlierNumber, nextNumber)
    nextNumber = firstNumber
  }

  /// How many messages were handed on again since the last call.
  mutating func takeResubmitted() -> Int {
    defer { resubmitted = 0 }
    return resubmitted
  }

  // MARK: What became of them

  /// A block holds these messages. With one that was handed on, those before it are done with, too.
  ///
  /// One that was not is in a block since its client gave it to another node as well, or an earlier leader had it: that
  /// tells nothing of those before it.
  mutating func applied(_ entries: [[UInt8]], isConfig: Bool) {
    guard !isEmpty else { return }
    var last: UInt64?
    for entry in entries {
      guard let number = numbers[MessageKey(entry, isConfig: isConfig)] else { continue }
      if number < nextNumber {
        last = max(last ?? 0, number)
      } else {
        remove(number)
      }
    }
    guard let last else { return }
    while firstNumber <= last { removeFirst() }
    while let first = slots.first, first == nil { removeFirst() }
  }

  /// The configuration does not allow a message any more, as this node has found while it leads.
  mutating func discard(_ message: OrderedMessage) {
    guard let number = numbers[MessageKey(message)] else { return }
    remove(number)
  }

  /// Removes one message alone.
  private mutating func remove(_ number: UInt64) {
    let index = index(of: number)
    if let kept = slots[index] { forget(kept) }
    slots[index] = nil
    while let first = slots.first, first == nil { removeFirst() }
    skipGaps()
  }

  private mutating func removeFirst() {
    guard let slot = slots.popFirst() else { return }
    firstNumber += 1
    nextNumber = max(nextNumber, firstNumber)
    if let kept = slot { forget(kept) }
    // The slice would keep the messages in memory.
    if slots.isEmpty { slots = [] }
  }

  private mutating func forget(_ kept: Kept) {
    count -= 1
    bytes -= kept.message.envelope.bytes.count
    guard var others = repeated[kept.key], !others.isEmpty else {
      numbers[kept.key] = nil
      return
    }
    numbers[kept.key] = others.removeFirst()
    repeated[kept.key] = others.isEmpty ? nil : others
  }

  private func index(of number: UInt64) -> Int { slots.startIndex + Int(number - firstNumber) }
}
