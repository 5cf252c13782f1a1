// A window that moves over a block file, small enough to stay in the processor's cache.

import FabricProtos
import NIOCore
import Storage

/// Reads known blocks that follow each other in one file.
struct FileWindow {
  /// Bytes that are read at a time.
  static let size = 256 << 10

  private let file: File
  /// The end of the wanted part of the file.
  private let end: Int64
  private let mayWait: Bool
  private var memory: [UInt8]
  /// What part of the file is in the memory.
  private var start: Int64 = 0
  private var filled = 0

  /// - Parameters:
  ///   - mayWait: Whether to wait for the disk for what the kernel does not have in memory.
  ///   - memory: The memory to read into, if it is large enough.
  init(file: File, end: Int64, mayWait: Bool, memory: [UInt8]) {
    self.file = file
    self.end = end
    self.mayWait = mayWait
    self.memory = memory
    if memory.count < Self.size { self.memory = Array(repeating: 0, count: Self.size) }
  }

  /// Ends the use of the window and gives its memory to the next one.
  consuming func releaseMemory() -> [UInt8] { memory }

  /// The wire form of the block whose record, with the length in front of it, begins at `offset`.
  ///
  /// - Returns: nil if not all of it is there, or it is not the block with this number and
  ///   fingerprint.
  mutating func wireForm(
    at offset: Int64, _ number: UInt64, _ fingerprint: BlockFingerprint, _ wireMemory: WireMemory
  ) -> ByteBuffer? {
    let prefix = fingerprint.storedSize - fingerprint.size
    if start + Int64(filled) < offset + Int64(prefix) || offset < start {
      guard fill(offset) else { return nil }
    }
    let begin = Int(offset - start)
    var index = begin
    guard begin + prefix <= filled,
      Varint.read(memory, at: &index, end: filled) == UInt64(fingerprint.size),
      index == begin + prefix
    else { return nil }
    var builder = WireFormBuilder(size: fingerprint.size, memory: wireMemory)
    let body = offset + Int64(prefix)
    while true {
      switch take(&builder, body) {
      case .done:
        guard builder.number == number, builder.checksum == fingerprint.checksum else { break }
        return builder.finish()
      case .more(let place):
        // Each round must make progress, or this would never end.
        if body + Int64(place) > start, fill(body + Int64(place)) { continue }
      case .unusual: break
      }
      builder.abandon()
      return nil
    }
  }

  /// Gives the builder what there is of its record.
  private func take(_ builder: inout WireFormBuilder, _ body: Int64) -> WireFormBuilder.Step {
    let from = Int(max(0, body - start))
    let to = Int(min(Int64(filled), body + Int64(builder.size) - start))
    guard from <= to else { return .unusual }
    return memory.withUnsafeBytes { bytes in
      builder.take(
        RecordWindow(
          bytes: UnsafeRawBufferPointer(rebasing: bytes[from..<to]),
          start: Int(max(0, start - body))))
    }
  }

  /// Moves the window to `offset`; false if not all of the bytes there can be had.
  private mutating func fill(_ offset: Int64) -> Bool {
    let count = Int(min(Int64(Self.size), end - offset))
    guard count > 0 else { return false }
    start = offset
    filled = 0
    if mayWait {
      filled = (try? file.read(at: offset, count: count, into: &memory, position: 0)) ?? 0
    } else {
      filled = memory.withUnsafeMutableBytes { target in
        file.readCached(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: target[..<count]))
      }
    }
    return filled == count
  }
}
