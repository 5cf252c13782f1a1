// One block as it lies in a block file, and its way from and to the other forms of a block.

import FabricCrypto
import FabricProtos
import NIOCore

/// A record of a block file, parsed or laid out. The bytes stay where they are; this records where
/// each part is.
///
/// Layout (Fabric: `blkstorage/block_serialization.go`), all integers being varints and every byte
/// string being preceded by its length: number, data hash, previous hash; count of data entries and
/// the entries; count of metadata entries and the entries. In the file the whole is preceded by its
/// length.
struct BlockRecord: Sendable {
  /// The longest record that is read or written, in bytes, without its length prefix. Far above
  /// what gRPC carries; keeps a damaged length from exhausting memory.
  static let maximumSize = 1 << 30

  /// The most data entries, and the most metadata entries, at 16 bytes of memory each. Even a
  /// record of the largest size has fewer: no envelope is as small as 64 bytes.
  static let maximumEntries = 1 << 24
  /// Entries for which memory is reserved before they are seen.
  private static let reservedEntries = 1 << 12

  /// Why bytes are not a record.
  struct Malformed: Error {
    let reason: String
  }

  let bytes: [UInt8]
  private let layout: RecordLayout

  /// Where the record is in ``bytes``, without its length prefix.
  var body: Range<Int> { layout.body }
  var number: UInt64 { layout.number }
  var dataHash: Range<Int> { layout.dataHash }
  var previousHash: Range<Int> { layout.previousHash }
  var data: [Range<Int>] { layout.data }
  var metadata: [Range<Int>] { layout.metadata }

  /// A record that was laid out in `bytes`.
  init(_ bytes: [UInt8], _ layout: RecordLayout) {
    self.bytes = bytes
    self.layout = layout
  }

  /// Parses the record that takes up exactly `range` of `bytes`.
  init(_ bytes: [UInt8], _ range: Range<Int>) throws(Malformed) {
    var index = range.lowerBound
    let end = range.upperBound
    guard let number = Varint.read(bytes, at: &index, end: end) else {
      throw Malformed(reason: "it has no block number")
    }
    guard let dataHash = Self.content(bytes, at: &index, end: end),
      let previousHash = Self.content(bytes, at: &index, end: end)
    else { throw Malformed(reason: "its header is cut off") }
    guard let data = Self.entries(bytes, at: &index, end: end) else {
      throw Malformed(reason: "its data entries do not fit into it")
    }
    guard let metadata = Self.entries(bytes, at: &index, end: end) else {
      throw Malformed(reason: "its metadata entries do not fit into it")
    }
    guard index == end else {
      throw Malformed(reason: "\(end - index) bytes are left over behind its metadata")
    }
    self.init(
      bytes,
      RecordLayout(
        body: range, number: number, dataHash: dataHash, previousHash: previousHash, data: data,
        metadata: metadata))
  }

  /// Lays out the record of a block in memory of its own; see ``RecordLayout``.
  init(layingOut header: BlockHeader, data: [[UInt8]], metadata: [[UInt8]]) {
    let size = RecordLayout.size(of: header, data: data, metadata: metadata)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Varint.size(UInt64(size)) + size)
    let layout = RecordLayout(
      appending: header, data: data, metadata: metadata, size: size, to: &bytes)
    self.init(bytes, layout)
  }

  /// Bytes of the record with its length prefix.
  var storedSize: Int { layout.storedSize }

  /// Whether the record begins as it must: its length, and the header's number and hashes read back as they
  /// were.
  func isLaidOut(for header: BlockHeader) -> Bool {
    var index = body.upperBound - storedSize
    guard index >= 0, Varint.read(bytes, at: &index, end: bytes.count) == UInt64(body.count),
      index == body.lowerBound, body.upperBound <= bytes.count
    else { return false }
    return Varint.read(bytes, at: &index, end: bytes.count) == header.number
      && Self.content(bytes, at: &index, end: bytes.count) == dataHash
      && Self.content(bytes, at: &index, end: bytes.count) == previousHash
      && bytes[dataHash].elementsEqual(header.dataHash)
      && bytes[previousHash].elementsEqual(header.previousHash)
  }

  /// The range of a length-prefixed byte string, or nil if it is cut off.
  static func content(_ bytes: [UInt8], at index: inout Int, end: Int) -> Range<Int>? {
    guard let length = Varint.read(bytes, at: &index, end: end), length <= UInt64(end - index)
    else { return nil }
    let range = index..<(index + Int(length))
    index = range.upperBound
    return range
  }

  private static func entries(_ bytes: [UInt8], at index: inout Int, end: Int) -> [Range<Int>]? {
    guard let count = Varint.read(bytes, at: &index, end: end), count <= UInt64(end - index),
      count <= UInt64(maximumEntries)
    else { return nil }
    var ranges: [Range<Int>] = []
    // A damaged count costs nothing.
    ranges.reserveCapacity(min(Int(count), reservedEntries))
    for _ in 0..<count {
      guard let range = content(bytes, at: &index, end: end) else { return nil }
      ranges.append(range)
    }
    return ranges
  }

  var header: BlockHeader {
    BlockHeader(
      number: number, previousHash: Array(bytes[previousHash]), dataHash: Array(bytes[dataHash]))
  }

  /// SHA-256 of the header's ASN.1 form.
  var headerHash: [UInt8] { SHA256Digest.hash(header.derBytes()) }

  /// Whether the header's data hash is the SHA-256 of the concatenated data entries, which is the
  /// only way of hashing that the configuration allows (Fabric: `protoutil.BlockDataHash`).
  var hasValidDataHash: Bool {
    var hasher = SHA256Hasher()
    for range in data { hasher.update(bytes[range]) }
    return hasher.finalize().elementsEqual(bytes[dataHash])
  }

  /// Covers the whole record, metadata included.
  var fingerprint: BlockFingerprint {
    BlockFingerprint(size: body.count, checksum: ContentChecksum.of(bytes[body]))
  }

  var block: Block {
    Block(
      header: header, data: data.map { Array(bytes[$0]) },
      metadata: metadata.map { Array(bytes[$0]) })
  }

  /// The protobuf form of the block.
  ///
  /// Data and metadata are always present as messages, even if empty, since the Go implementation
  /// sets both when it reads a block from its file.
  ///
  /// - Parameter memory: Where its memory comes from.
  func wireForm(_ memory: WireMemory? = nil) -> ByteBuffer {
    let headerSize =
      (number == 0 ? 0 : 1 + Varint.size(number))
      + (previousHash.isEmpty ? 0 : Self.fieldSize(previousHash.count))
      + (dataHash.isEmpty ? 0 : Self.fieldSize(dataHash.count))
    let dataSize = data.reduce(0) { $0 + Self.fieldSize($1.count) }
    let metadataSize = metadata.reduce(0) { $0 + Self.fieldSize($1.count) }
    let size =
      Self.fieldSize(headerSize) + Self.fieldSize(dataSize) + Self.fieldSize(metadataSize)
    var buffer = memory?.take(size) ?? ByteBufferAllocator().buffer(capacity: size)
    bytes.withUnsafeBytes { source in
      _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
        var writer = WireWriter(target: target)
        writer.tag(0x0A, size: headerSize)
        if number != 0 { writer.number(0x08, number) }
        if !previousHash.isEmpty { writer.field(0x12, source, previousHash) }
        if !dataHash.isEmpty { writer.field(0x1A, source, dataHash) }
        writer.tag(0x12, size: dataSize)
        for range in data { writer.field(0x0A, source, range) }
        writer.tag(0x1A, size: metadataSize)
        for range in metadata { writer.field(0x0A, source, range) }
        return writer.count
      }
    }
    return buffer
  }

  /// Bytes of a field with a one-byte tag and `count` bytes of content.
  static func fieldSize(_ count: Int) -> Int { 1 + Varint.size(UInt64(count)) + count }
}
