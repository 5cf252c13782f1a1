// Where the parts of a record lie, and how the record of a new block is laid out.

import FabricProtos

/// The places of a record's parts in the bytes that have it.
struct RecordLayout: Sendable {
  /// The record without its length prefix.
  let body: Range<Int>
  let number: UInt64
  let dataHash: Range<Int>
  let previousHash: Range<Int>
  let data: [Range<Int>]
  let metadata: [Range<Int>]

  /// Bytes of the record with its length prefix.
  var storedSize: Int { Varint.size(UInt64(body.count)) + body.count }
}

extension RecordLayout {
  /// Lays out the record of a block behind its length prefix, as it goes into a block file, at the end of
  /// `bytes`, where the caller has reserved room.
  ///
  /// - Parameter size: See ``size(of:data:metadata:)``.
  init(
    appending header: BlockHeader, data: [[UInt8]], metadata: [[UInt8]], size: Int,
    to bytes: inout [UInt8]
  ) {
    Varint.append(UInt64(size), to: &bytes)
    let begin = bytes.count
    Varint.append(header.number, to: &bytes)
    number = header.number
    dataHash = Self.append(header.dataHash, to: &bytes)
    previousHash = Self.append(header.previousHash, to: &bytes)
    self.data = Self.append(data, to: &bytes)
    self.metadata = Self.append(metadata, to: &bytes)
    body = begin..<bytes.count
  }

  /// Bytes that the record of a block has, without its length prefix.
  static func size(of header: BlockHeader, data: [[UInt8]], metadata: [[UInt8]]) -> Int {
    Varint.size(header.number) + size(of: header.dataHash) + size(of: header.previousHash)
      + size(of: data) + size(of: metadata)
  }

  private static func size(of content: [UInt8]) -> Int {
    Varint.size(UInt64(content.count)) + content.count
  }

  private static func size(of entries: [[UInt8]]) -> Int {
    entries.reduce(Varint.size(UInt64(entries.count))) { $0 + size(of: $1) }
  }

  private static func append(_ content: [UInt8], to bytes: inout [UInt8]) -> Range<Int> {
    Varint.append(UInt64(content.count), to: &bytes)
    let begin = bytes.count
    bytes += content
    return begin..<bytes.count
  }

  private static func append(_ entries: [[UInt8]], to bytes: inout [UInt8]) -> [Range<Int>] {
    Varint.append(UInt64(entries.count), to: &bytes)
    return entries.map { append($0, to: &bytes) }
  }
}
