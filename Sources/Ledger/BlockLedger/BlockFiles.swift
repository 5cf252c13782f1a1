// The block files of one channel: their names, their descriptors, and how records are found in them.

import FabricProtos
import Foundation
import Synchronization

/// A channel's folder with `blockfile_000000`, `blockfile_000001`, …, read by any number of threads.
final class BlockFiles: Sendable {
  /// Descriptors kept open for reading, per channel.
  static let maximumOpenFiles = 4

  let channelID: String
  let folder: String
  /// Files in the order of their last use, the most recent last.
  private let open = Mutex<[(number: Int, file: File)]>([])

  init(channelID: String, folder: String) {
    self.channelID = channelID
    self.folder = folder
  }

  /// `blockfile_` and the number with six digits at least.
  func path(_ number: Int) -> String {
    let digits = String(number)
    let padding = String(repeating: "0", count: max(0, 6 - digits.count))
    return "\(folder)/\(Self.prefix)\(padding)\(digits)"
  }

  private static let prefix = "blockfile_"

  /// How many block files there are; they are numbered from 0 without gaps.
  func count() throws(LedgerError) -> Int {
    var numbers: [Int] = []
    for name in try Folder.names(folder, kind: S_IFREG) where name.hasPrefix(Self.prefix) {
      guard let number = Int(name.dropFirst(Self.prefix.count)), number >= 0,
        path(number) == "\(folder)/\(name)"
      else {
        throw .unsupported(
          path: "\(folder)/\(name)",
          reason: "this is not the name of a block file, move it out of the ledger's folder")
      }
      numbers.append(number)
    }
    numbers.sort()
    for (expected, number) in numbers.enumerated() where expected != number {
      throw .corrupt(
        channel: channelID, file: path(expected), offset: 0, block: nil,
        reason: "the file is missing, but there is \(path(number))")
    }
    return numbers.count
  }

  /// A descriptor for reading, if there is one.
  func openFile(_ number: Int) -> File? {
    open.withLock { open in
      guard let index = open.firstIndex(where: { $0.number == number }) else { return nil }
      if index < open.count - 1 { open.append(open.remove(at: index)) }
      return open.last?.file
    }
  }

  /// A descriptor for reading.
  func file(_ number: Int) throws(LedgerError) -> File {
    if let known = openFile(number) { return known }
    let file = try File(path(number), flags: O_RDONLY)
    open.withLock { open in
      if open.count >= Self.maximumOpenFiles { open.removeFirst() }
      open.append((number, file))
    }
    return file
  }

  /// Lets go of all descriptors. Reads under way keep theirs to their end.
  func closeAll() { open.withLock { $0.removeAll() } }

  /// Finds block `number` by walking over the records, for when the index does not know it.
  ///
  /// - Parameter files: how many files there are.
  /// - Throws: ``LedgerError/corrupt(channel:file:offset:block:reason:)`` at the first record on the
  ///   way that cannot be walked over.
  func search(_ number: UInt64, files: Int) throws(LedgerError) -> BlockLocation {
    for fileNumber in stride(from: files - 1, through: 0, by: -1) {
      let file = try file(fileNumber)
      let size = try file.size()
      guard size > 0 else { continue }
      var offset: Int64 = 0
      var expected: UInt64?
      while offset < size {
        let head = try file.read(at: offset, count: Int(min(size - offset, 20)))
        var index = 0
        guard let length = Varint.read(head, at: &index, end: head.count),
          length <= UInt64(size - offset) - UInt64(index),
          case let prefix = index,
          let found = Varint.read(head, at: &index, end: head.count),
          found == expected ?? found
        else {
          throw .corrupt(
            channel: channelID, file: file.path, offset: offset, block: expected,
            reason: "the record there is not readable, looked for block \(number)")
        }
        if found == number { return BlockLocation(file: fileNumber, offset: offset) }
        // The first block of a file tells whether the one we look for can be in it.
        if found > number { break }
        expected = found &+ 1
        offset += Int64(prefix) + Int64(length)
      }
      if let expected, expected <= number {
        throw .corrupt(
          channel: channelID, file: file.path, offset: offset, block: expected,
          reason: "the file ends before block \(number)")
      }
    }
    throw .corrupt(
      channel: channelID, file: path(0), offset: 0, block: 0,
      reason: "no block file has block \(number)")
  }
}

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
  /// Bytes to read at least at a time.
  let window: Int
  private var bytes: [UInt8]
  /// How many of ``bytes`` are of the file, and where they begin in it.
  private var filled = 0
  private var start: Int64 = 0

  /// - Parameter memory: is read into instead of new memory, as far as it suffices.
  init(file: File, size: Int64, window: Int, memory: [UInt8] = []) {
    self.file = file
    self.size = size
    self.window = window
    bytes = memory
  }

  /// Ends the use of the reader and gives its memory to the next one. Records that were read share
  /// it, so let go of them before.
  consuming func releaseMemory() -> [UInt8] { bytes }

  mutating func read(at offset: Int64) throws(LedgerError) -> Outcome {
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
  mutating func head(at offset: Int64) throws(LedgerError) -> (number: UInt64, end: Int64)? {
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

  private mutating func fill(_ offset: Int64, _ count: Int) throws(LedgerError) {
    let end = start + Int64(filled)
    if offset >= start, offset + Int64(count) <= end { return }
    let wanted = max(count, Int(min(Int64(window), size - offset)))
    // What is there already of the wanted bytes moves to the front.
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
    // Somebody cut the file under our feet.
    guard filled >= count else { throw .io(path: file.path, operation: "read", code: EIO) }
  }
}
