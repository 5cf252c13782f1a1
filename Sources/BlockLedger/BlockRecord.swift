// One block as it lies in a block file, and its way from and to the other forms of a block.

import FabricCrypto
import FabricProtos
import NIOCore

/// A parsed record of a block file. The bytes stay where they are; this knows what is where.
///
/// Layout (Fabric: `blkstorage/block_serialization.go`), all integers being varints and every byte
/// string being preceded by its length: number, data hash, previous hash; count of data entries and
/// the entries; count of metadata entries and the entries. In the file the whole is preceded by its
/// length.
struct BlockRecord: Sendable {
  /// The longest record that is read or written, in bytes, without its length prefix. Far above
  /// what gRPC carries; keeps a damaged length from exhausting memory.
  static let maximumSize = 1 << 30

  /// Why bytes are no record.
  struct Malformed: Error {
    let reason: String
  }

  let bytes: [UInt8]
  /// Where the record is in ``bytes``, without its length prefix.
  let body: Range<Int>
  let number: UInt64
  let dataHash: Range<Int>
  let previousHash: Range<Int>
  let data: [Range<Int>]
  let metadata: [Range<Int>]

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
    self.bytes = bytes
    body = range
    self.number = number
    self.dataHash = dataHash
    self.previousHash = previousHash
    self.data = data
    self.metadata = metadata
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
    // Each entry takes a byte at least, which bounds what is reserved for a damaged count.
    guard let count = Varint.read(bytes, at: &index, end: end), count <= UInt64(end - index)
    else { return nil }
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(Int(count))
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
  /// Data and metadata are always there as messages, if empty ones, since the Go implementation sets
  /// both when it reads a block from its file.
  func wireForm() -> ByteBuffer {
    wireForm(in: ByteBufferAllocator().buffer(capacity: wireSize))
  }

  /// Bytes of the wire form.
  var wireSize: Int {
    Self.fieldSize(wireHeaderSize) + Self.fieldSize(wireDataSize)
      + Self.fieldSize(wireMetadataSize)
  }

  private var wireHeaderSize: Int {
    (number == 0 ? 0 : 1 + Varint.size(number))
      + (previousHash.isEmpty ? 0 : Self.fieldSize(previousHash.count))
      + (dataHash.isEmpty ? 0 : Self.fieldSize(dataHash.count))
  }

  private var wireDataSize: Int { data.reduce(0) { $0 + Self.fieldSize($1.count) } }
  private var wireMetadataSize: Int { metadata.reduce(0) { $0 + Self.fieldSize($1.count) } }

  /// The same in `buffer`, which must be empty.
  func wireForm(in buffer: consuming ByteBuffer) -> ByteBuffer {
    bytes[body].withUnsafeBytes { source in _ = write(to: &buffer, source, nil) }
    return buffer
  }

  /// The same, and the fingerprint of the record, which costs little on the way.
  func fingerprintedWireForm(
    in buffer: consuming ByteBuffer
  ) -> (wire: ByteBuffer, fingerprint: BlockFingerprint) {
    let checksum = bytes[body].withUnsafeBytes { source in
      var checksum = write(to: &buffer, source, ContentChecksum(source))
      return checksum?.finish() ?? 0
    }
    return (buffer, BlockFingerprint(size: body.count, checksum: checksum))
  }

  private func write(
    to buffer: inout ByteBuffer, _ source: UnsafeRawBufferPointer, _ checksum: ContentChecksum?
  ) -> ContentChecksum? {
    let headerSize = wireHeaderSize
    let dataSize = wireDataSize
    let metadataSize = wireMetadataSize
    let size =
      Self.fieldSize(headerSize) + Self.fieldSize(dataSize) + Self.fieldSize(metadataSize)
    var result: ContentChecksum?
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
      var writer = WireWriter(
        source, at: body.lowerBound, to: target, size: size, checksum: checksum)
      writer.tag(0x0A, size: headerSize)
      if number != 0 { writer.number(0x08, number) }
      // In a record the data hash comes first.
      if !previousHash.isEmpty { writer.small(0x12, previousHash) }
      if !dataHash.isEmpty { writer.small(0x1A, dataHash) }
      writer.tag(0x12, size: dataSize)
      for range in data { writer.field(0x0A, range) }
      writer.tag(0x1A, size: metadataSize)
      for range in metadata { writer.field(0x0A, range) }
      result = writer.checksum
      return writer.count
    }
    return result
  }

  /// Bytes of a field with a one-byte tag and `count` bytes of content.
  private static func fieldSize(_ count: Int) -> Int { 1 + Varint.size(UInt64(count)) + count }
}

/// Writes protobuf fields into memory whose size was computed before.
///
/// Leaving that memory traps, so a wrong size cannot write elsewhere.
private struct WireWriter {
  private let source: UnsafeRawBufferPointer
  /// Where the source begins in the array that ranges are of.
  private let base: Int
  private let target: UnsafeMutableRawBufferPointer
  private let size: Int
  private(set) var count = 0
  private(set) var checksum: ContentChecksum?

  init(
    _ source: UnsafeRawBufferPointer, at base: Int, to target: UnsafeMutableRawBufferPointer,
    size: Int, checksum: ContentChecksum?
  ) {
    precondition(size <= target.count)
    self.source = source
    self.base = base
    self.target = target
    self.size = size
    self.checksum = checksum
  }

  private mutating func byte(_ value: UInt8) {
    precondition(count < size)
    target[count] = value
    count += 1
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      byte(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    byte(UInt8(truncatingIfNeeded: rest))
  }

  mutating func number(_ tag: UInt8, _ value: UInt64) {
    byte(tag)
    varint(value)
  }

  mutating func tag(_ tag: UInt8, size: Int) { number(tag, UInt64(size)) }

  /// A field with few bytes, wherever they are.
  mutating func small(_ tag: UInt8, _ range: Range<Int>) {
    self.tag(tag, size: range.count)
    for index in range { byte(source[index - base]) }
  }

  /// A field with bytes that are behind those of the last such field.
  mutating func field(_ tag: UInt8, _ range: Range<Int>) {
    self.tag(tag, size: range.count)
    precondition(range.count <= size - count)
    let part = (range.lowerBound - base)..<(range.upperBound - base)
    let place = UnsafeMutableRawBufferPointer(rebasing: target[count..<(count + range.count)])
    if checksum != nil {
      checksum?.copy(part, to: place)
    } else {
      place.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[part]))
    }
    count += range.count
  }
}

extension Block {
  /// The record of this block with its length prefix, as it goes into a block file, and the number
  /// of bytes of that prefix.
  func fileRecord() -> (bytes: [UInt8], prefix: Int) {
    func size(_ content: [UInt8]) -> Int { Varint.size(UInt64(content.count)) + content.count }
    let bodySize =
      Varint.size(header.number) + size(header.dataHash) + size(header.previousHash)
      + Varint.size(UInt64(data.count)) + data.reduce(0) { $0 + size($1) }
      + Varint.size(UInt64(metadata.count)) + metadata.reduce(0) { $0 + size($1) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(bodySize + Varint.maximumSize)
    Varint.append(UInt64(bodySize), to: &bytes)
    let prefix = bytes.count
    func append(_ content: [UInt8]) {
      Varint.append(UInt64(content.count), to: &bytes)
      bytes += content
    }
    Varint.append(header.number, to: &bytes)
    append(header.dataHash)
    append(header.previousHash)
    Varint.append(UInt64(data.count), to: &bytes)
    for entry in data { append(entry) }
    Varint.append(UInt64(metadata.count), to: &bytes)
    for entry in metadata { append(entry) }
    return (bytes, prefix)
  }
}
