// How records are read from a block file one after the other.

import FabricProtos
import Foundation
import Storage

/// Reads records from one file through a window, so that neighbouring ones share a system call.
struct RecordReader {
  enum Outcome {
    /// A record of sound structure that ends at the given offset.
    case record(BlockRecord, end: Int64)
    /// The file ends before the record does.
    case cutOff
    /// The bytes are no record; `end` is where it would end, if its length can be believed.
    case malformed(reason: String, end: Int64?)
  }

  let file: File
  /// Bytes of the file that may be looked at.
  let size: Int64
  /// The fewest bytes to read at a time.
  let window: Int
  private var bytes: [UInt8]
  /// How many of ``bytes`` are of the file, and where they begin in it.
  private var filled = 0
  private var start: Int64 = 0

  /// - Parameter memory: Reused for reading instead of new memory, as far as it suffices.
  init(file: File, size: Int64, window: Int, memory: [UInt8] = []) {
    self.file = file
    self.size = size
    self.window = window
    bytes = memory
  }

  /// Ends the use of the reader and gives its memory to the next one. Records that were read share
  /// it, so drop them first.
  consuming func releaseMemory() -> [UInt8] { bytes }

  mutating func read(at offset: Int64) throws(StorageError) -> Outcome {
    guard offset >= 0, offset < size else { return .cutOff }
    let remaining = size - offset
    try fill(offset, Int(min(remaining, Int64(Varint.maximumSize))))
    let begin = Int(offset - start)
    var index = begin
    guard
      let length = Varint.read(
        bytes, at: &index, end: begin + min(filled - begin, Varint.maximumSize))
    else {
      return remaining < Varint.maximumSize
        ? .cutOff : .malformed(reason: "its length is not a number", end: nil)
    }
    let prefix = index - begin
    guard length <= UInt64(remaining) - UInt64(prefix) else { return .cutOff }
    let end = offset + Int64(prefix) + Int64(length)
    guard length <= UInt64(BlockRecord.maximumSize) else {
      return .malformed(reason: "its length of \(length) bytes is beyond all bounds", end: end)
    }
    try fill(offset, prefix + Int(length))
    let body = Int(offset - start) + prefix
    do {
      return .record(try BlockRecord(bytes, body..<(body + Int(length))), end: end)
    } catch {
      return .malformed(reason: error.reason, end: end)
    }
  }

  /// Number of the block whose record begins at `offset`, and where the record ends; nil if the file
  /// ends before, or what is there cannot be a record.
  mutating func head(at offset: Int64) throws(StorageError) -> (number: UInt64, end: Int64)? {
    guard offset >= 0, offset < size else { return nil }
    let remaining = size - offset
    let count = Int(min(remaining, Int64(2 * Varint.maximumSize)))
    try fill(offset, count)
    var index = Int(offset - start)
    let begin = index
    guard let length = Varint.read(bytes, at: &index, end: begin + count),
      case let prefix = index - begin, length <= UInt64(remaining) - UInt64(prefix),
      let number = Varint.read(bytes, at: &index, end: begin + count)
    else { return nil }
    return (number, offset + Int64(prefix) + Int64(length))
  }

  private mutating func fill(_ offset: Int64, _ count: Int) throws(StorageError) {
    let end = start + Int64(filled)
    if offset >= start, offset + Int64(count) <= end { return }
    let wanted = max(count, Int(min(Int64(window), size - offset)))
    // Wanted bytes that are already there move to the front.
    var kept = 0
    if offset >= start, offset < end {
      kept = Int(end - offset)
      let begin = filled - kept
      if begin > 0 {
        bytes.withUnsafeMutableBytes { all in
          UnsafeMutableRawBufferPointer(rebasing: all[..<kept])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: all[begin..<(begin + kept)]))
        }
      }
    }
    filled = kept
    start = offset
    filled += try file.read(
      at: offset + Int64(kept), count: wanted - kept, into: &bytes, position: kept)
    // Somebody truncated the file meanwhile.
    guard filled >= count else { throw .io(path: file.path, operation: "read", code: EIO) }
  }
}
