// The block files of one channel: their names, their descriptors, and a search through them.

import FabricProtos
import Storage
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
    for name in try onDisk(Folder.names(folder, kind: .file)) where name.hasPrefix(Self.prefix) {
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
  func file(_ number: Int) throws(StorageError) -> File {
    if let known = openFile(number) { return known }
    let file = try File(path(number), .reading)
    open.withLock { open in
      if open.count >= Self.maximumOpenFiles { open.removeFirst() }
      open.append((number, file))
    }
    return file
  }

  /// Lets go of all descriptors. Reads under way keep theirs until they end.
  func closeAll() { open.withLock { $0.removeAll() } }

  /// Finds block `number` by walking over the records, for when the index does not know it.
  ///
  /// - Parameter files: how many files there are.
  /// - Throws: ``LedgerError/corrupt(channel:file:offset:block:reason:)`` at the first record on the
  ///   way that cannot be walked over.
  func search(_ number: UInt64, files: Int) throws(LedgerError) -> BlockLocation {
    for fileNumber in stride(from: files - 1, through: 0, by: -1) {
      let file = try onDisk(self.file(fileNumber))
      let size = try onDisk(file.size())
      guard size > 0 else { continue }
      var offset: Int64 = 0
      var expected: UInt64?
      while offset < size {
        let head = try onDisk(file.read(at: offset, count: Int(min(size - offset, 20))))
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
