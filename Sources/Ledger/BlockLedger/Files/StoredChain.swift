// A walk over the block files of one channel, for those who do not own them.

import Storage

/// The block files of one channel as they were at one moment.
package struct StoredChain: Sendable {
  /// One block file.
  package struct FileInfo: Sendable, Equatable {
    package var path: String
    /// Bytes when the chain was opened.
    package var size: Int64
    /// The first block in it; nil if there is none.
    package var firstBlock: UInt64?
  }

  /// What a walk over the blocks comes across.
  package enum Item: Sendable {
    case block(StoredBlock)
    /// The newest file ends with `bytes` that are not (yet) a whole block.
    case incomplete(file: String, offset: Int64, bytes: Int64)
    /// The rest of a file is not readable. The walk goes on in the next file.
    case unreadable(file: String, offset: Int64, reason: String)
  }

  package let channelID: String
  package let files: [FileInfo]
  private let descriptors: BlockFiles
  private static let headWindow = 64 << 10
  private static let scanWindow = 1 << 20

  init(channelID: String, folder: String) throws(LedgerError) {
    self.channelID = channelID
    descriptors = BlockFiles(channelID: channelID, folder: folder)
    var files: [FileInfo] = []
    for number in 0..<(try descriptors.count()) {
      let file = try onDisk(descriptors.file(number))
      let size = try onDisk(file.size())
      var reader = RecordReader(file: file, size: size, window: 32)
      files.append(
        FileInfo(path: file.path, size: size, firstBlock: try onDisk(reader.head(at: 0))?.number))
    }
    self.files = files
  }

  /// Bytes of all files.
  package var size: Int64 { files.reduce(0) { $0 + $1.size } }

  /// Number of blocks, found by walking over the newest file.
  package func height() throws(LedgerError) -> UInt64 {
    for number in files.indices.reversed() where files[number].firstBlock != nil {
      var reader = try reader(number, window: Self.headWindow)
      var offset: Int64 = 0
      var height: UInt64 = 0
      // What a crash left at the end may look like a block, but not like the next one.
      while let head = try onDisk(reader.head(at: offset)), offset == 0 || head.number == height {
        height = head.number &+ 1
        offset = head.end
      }
      if height > 0 { return height }
    }
    return 0
  }

  /// Reads one block.
  ///
  /// - Throws: ``LedgerError/notFound(channel:number:height:)``,
  ///   ``LedgerError/corrupt(channel:file:offset:block:reason:)``.
  package func block(_ wanted: UInt64) throws(LedgerError) -> StoredBlock {
    for number in files.indices.reversed() {
      guard let first = files[number].firstBlock, first <= wanted else { continue }
      var heads = try reader(number, window: Self.headWindow)
      var offset: Int64 = 0
      while let head = try onDisk(heads.head(at: offset)) {
        if head.number == wanted { return try block(wanted, at: offset, in: number) }
        offset = head.end
      }
      break
    }
    throw .notFound(channel: channelID, number: wanted, height: try height())
  }

  private func block(
    _ wanted: UInt64, at offset: Int64, in number: Int
  ) throws(LedgerError) -> StoredBlock {
    var reader = try reader(number, window: Self.headWindow)
    let reason: String
    switch try onDisk(reader.read(at: offset)) {
    case .record(let record, let end):
      return StoredBlock(file: files[number].path, offset: offset, end: end, record: record)
    case .malformed(let text, _): reason = text
    case .cutOff: reason = "the file ends before the block does"
    }
    throw .corrupt(
      channel: channelID, file: files[number].path, offset: offset, block: wanted, reason: reason)
  }

  /// Walks over all blocks from `first` on, in order, until `body` returns false.
  package func walk(
    from first: UInt64 = 0, _ body: (Item) async throws -> Bool
  ) async throws {
    let newest = files.lastIndex { $0.size > 0 } ?? 0
    let begin = files.lastIndex { ($0.firstBlock ?? .max) <= first } ?? 0
    for number in files.indices where number >= begin {
      let path = files[number].path
      var reader = try reader(number, window: Self.scanWindow)
      var offset: Int64 = 0
      scan: while offset < files[number].size {
        let item: Item
        var next = files[number].size
        switch try onDisk(reader.read(at: offset)) {
        case .record(let record, let end):
          next = end
          if record.number < first, number == begin {
            offset = next
            continue scan
          }
          item = .block(StoredBlock(file: path, offset: offset, end: end, record: record))
        case .cutOff where number >= newest:
          item = .incomplete(file: path, offset: offset, bytes: next - offset)
        case .cutOff:
          item = .unreadable(
            file: path, offset: offset, reason: "the file ends before the block does")
        case .malformed(let reason, _):
          item = .unreadable(file: path, offset: offset, reason: reason)
        }
        guard try await body(item) else { return }
        offset = next
      }
    }
  }

  private func reader(_ number: Int, window: Int) throws(LedgerError) -> RecordReader {
    RecordReader(
      file: try onDisk(descriptors.file(number)), size: files[number].size, window: window)
  }
}
