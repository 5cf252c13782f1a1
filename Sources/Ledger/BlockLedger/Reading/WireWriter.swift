// Writes protobuf fields into memory whose size was computed before.

import FabricProtos

/// Leaving the memory traps, so a wrong size cannot write elsewhere.
struct WireWriter {
  private let target: UnsafeMutableRawBufferPointer
  /// Where the next byte goes.
  private(set) var count: Int

  init(target: UnsafeMutableRawBufferPointer, at count: Int = 0) {
    self.target = target
    self.count = count
  }

  private mutating func byte(_ value: UInt8) {
    precondition(count < target.count)
    target[count] = value
    count += 1
  }

  mutating func number(_ tag: UInt8, _ value: UInt64) {
    byte(tag)
    Varint.write(value, to: target, at: &count)
  }

  mutating func tag(_ tag: UInt8, size: Int) { number(tag, UInt64(size)) }

  mutating func field(_ tag: UInt8, _ source: UnsafeRawBufferPointer, _ range: Range<Int>) {
    self.tag(tag, size: range.count)
    place(range.count).copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
  }

  /// The next `size` bytes, for the caller to fill.
  mutating func place(_ size: Int) -> UnsafeMutableRawBufferPointer {
    precondition(size <= target.count - count)
    defer { count += size }
    return UnsafeMutableRawBufferPointer(rebasing: target[count..<(count + size)])
  }
}
