// Memory that is reused, so that the kernel need not hand out zeroed pages for each block.

import NIOCore
import Synchronization

/// Memory that reads, or appends, share one after the other.
final class SpareMemory: Sendable {
  /// Larger pieces are not kept, in bytes.
  static let maximumSize = 5 << 20
  private let spare: Mutex<[[UInt8]]> = Mutex([])
  private let count: Int

  /// - Parameter count: Pieces that are kept.
  init(count: Int) { self.count = count }

  func take() -> [UInt8] { spare.withLock { $0.popLast() ?? [] } }

  func give(_ memory: [UInt8]) {
    guard memory.capacity <= Self.maximumSize else { return }
    spare.withLock { if $0.count < count { $0.append(memory) } }
  }

  func removeAll() { spare.withLock { $0 = [] } }
}

/// Memory of blocks in wire form.
///
/// Buffers come here when the ledger lets go of them. They may still be on their way to clients: a buffer
/// can be used again once its last holder lets go of it, and is forgotten if it is still held when its
/// turn comes.
final class WireMemory: Sendable {
  /// Smaller buffers cost little to make, and larger ones are not kept, in bytes.
  static let sizes = 64 << 10...16 << 20
  /// Bytes that are kept at most.
  static let maximumTotal = 24 << 20

  private struct State {
    var spare: [ByteBuffer] = []
    var total = 0
  }

  private let state = Mutex(State())

  /// An empty buffer with room for `size` bytes.
  func take(_ size: Int) -> ByteBuffer {
    let found: ByteBuffer? = state.withLock { state in
      // The one that came last is the most likely to be in the processor's cache.
      for index in state.spare.indices.reversed() {
        let capacity = state.spare[index].storageCapacity
        guard capacity >= size, capacity / 4 <= size,
          state.spare[index].modifyIfUniquelyOwned({ $0.clear() }) != nil
        else { continue }
        state.total -= capacity
        return state.spare.remove(at: index)
      }
      return nil
    }
    return found ?? ByteBufferAllocator().buffer(capacity: size)
  }

  /// Takes over a buffer that may be shared.
  func give(_ buffer: ByteBuffer) {
    let capacity = buffer.storageCapacity
    guard Self.sizes.contains(capacity) else { return }
    // What is dropped is freed outside of the lock.
    var dropped: [ByteBuffer] = []
    state.withLock { state in
      state.spare.append(buffer)
      state.total += capacity
      while state.total > Self.maximumTotal, !state.spare.isEmpty {
        let oldest = state.spare.removeFirst()
        state.total -= oldest.storageCapacity
        dropped.append(oldest)
      }
    }
  }

  func removeAll() { state.withLock { $0 = State() } }

  /// Bytes that are kept, for tests.
  var total: Int { state.withLock { $0.total } }
}
