// What a store keeps in memory to spare the disk: the newest blocks as they are sent, and where the
// blocks are that are likely to be read next.

import NIOCore
import Synchronization

/// The newest blocks of one channel in wire form, and locations of others.
final class RecentBlocks: Sendable {
  /// Where a record is.
  struct Hint: Sendable {
    var location: BlockLocation
    /// Bytes with the length prefix, 0 if not known.
    var length: Int
    /// The hash of the previous header, which the block has to name; empty if not known.
    var previousHash: [UInt8] = []
  }

  /// Locations that are remembered, at 32 bytes each. A power of two.
  private static let hintCount = 1024

  private struct State {
    var buffers: [UInt64: ByteBuffer] = [:]
    /// The lowest number in `buffers`, if there are any.
    var oldest: UInt64 = 0
    var size = 0
    var hints: [(number: UInt64, hint: Hint)?] = []
    /// Older blocks that were just read, for readers that follow closely; the oldest entry first.
    var passing: [(number: UInt64, wire: ByteBuffer)] = []
    var passingSize = 0

    func wireForm(_ number: UInt64) -> ByteBuffer? {
      buffers[number] ?? passing.last { $0.number == number }?.wire
    }
  }

  /// Blocks read from the disk may take as much as a channel's share on top.
  private static let maximumPassing = 64

  private let budget: RecentBlocksBudget
  private let memory: WireMemory
  private let state = Mutex(State())

  /// - Parameter memory: Takes over the buffers of blocks that are dropped.
  init(budget: RecentBlocksBudget, memory: WireMemory = WireMemory()) {
    self.budget = budget
    self.memory = memory
    budget.enter()
  }

  deinit { budget.leave() }

  /// Keeps a new block and drops the oldest ones beyond the budget. The newest is kept whatever its
  /// size, since all readers at the tip are about to ask for it.
  func insert(_ number: UInt64, _ wire: ByteBuffer, _ hint: Hint) {
    let share = budget.share
    var dropped: [ByteBuffer] = []
    state.withLock { state in
      if state.buffers.isEmpty { state.oldest = number }
      state.buffers[number] = wire
      state.size += wire.readableBytes
      while state.size > share, state.oldest < number {
        if let wire = state.buffers.removeValue(forKey: state.oldest) {
          state.size -= wire.readableBytes
          dropped.append(wire)
        }
        state.oldest += 1
      }
      Self.remember(number, hint, &state)
    }
    for wire in dropped { memory.give(wire) }
  }

  /// Notes where a block is.
  func remember(_ number: UInt64, _ hint: Hint) {
    state.withLock { Self.remember(number, hint, &$0) }
  }

  private static func remember(_ number: UInt64, _ hint: Hint, _ state: inout State) {
    // Made at the first use: most channels of an orderer with many are idle.
    if state.hints.isEmpty { state.hints = Array(repeating: nil, count: hintCount) }
    state.hints[Int(number % UInt64(hintCount))] = (number, hint)
  }

  func wireForm(_ number: UInt64) -> ByteBuffer? { state.withLock { $0.wireForm(number) } }

  /// The blocks from `number` on that are in memory without a gap, up to `count` or until they
  /// reach `bytes` together.
  func wireForms(from number: UInt64, count: Int, bytes: Int) -> [ByteBuffer] {
    state.withLock { state in
      var forms: [ByteBuffer] = []
      var left = bytes
      while forms.count < count, left > 0, let wire = state.wireForm(number + UInt64(forms.count)) {
        forms.append(wire)
        left -= wire.readableBytes
      }
      return forms
    }
  }

  /// Keeps blocks that were read from the disk for a while. They take memory of their own: a reader at
  /// the beginning does not push out the tip.
  ///
  /// - Parameter next: where the block after them is, if known.
  func pass(from number: UInt64, _ forms: [ByteBuffer], next: Hint? = nil) {
    let limit = budget.share
    var dropped: [ByteBuffer] = []
    state.withLock { state in
      for (offset, wire) in forms.enumerated() {
        state.passing.append((number + UInt64(offset), wire))
        state.passingSize += wire.readableBytes
      }
      while state.passingSize > limit || state.passing.count > Self.maximumPassing,
        !state.passing.isEmpty
      {
        let wire = state.passing.removeFirst().wire
        state.passingSize -= wire.readableBytes
        dropped.append(wire)
      }
      if let next { Self.remember(number + UInt64(forms.count), next, &state) }
    }
    for wire in dropped { memory.give(wire) }
  }

  /// Where a block is, if that is known, and the lowest number of those after it that are in
  /// memory.
  func place(of number: UInt64) -> (hint: Hint, newest: UInt64)? {
    state.withLock { state in
      guard let hint = Self.hint(number, state) else { return nil }
      return (hint, state.buffers.isEmpty ? .max : state.oldest)
    }
  }

  func hint(_ number: UInt64) -> Hint? { state.withLock { Self.hint(number, $0) } }

  private static func hint(_ number: UInt64, _ state: State) -> Hint? {
    guard !state.hints.isEmpty, let known = state.hints[Int(number % UInt64(hintCount))],
      known.number == number
    else { return nil }
    return known.hint
  }

  /// Lets go of the blocks that were read from the disk.
  func releasePassing() {
    state.withLock { state in
      state.passing = []
      state.passingSize = 0
    }
  }

  func removeAll() { state.withLock { $0 = State() } }
}
