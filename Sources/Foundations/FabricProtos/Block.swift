// A block whose entries stay opaque bytes, with the two encodings that every orderer and peer must
// agree on: the protobuf form that travels and the ASN.1 form that is hashed and signed.

/// The hashed part of a block.
package struct BlockHeader: Sendable, Hashable {
  /// Position in the chain; block 0 is the genesis block.
  package var number: UInt64
  /// SHA-256 of the preceding header's ``derBytes()``; empty in block 0.
  package var previousHash: [UInt8]
  /// SHA-256 of the block's data entries, concatenated.
  package var dataHash: [UInt8]

  package init(number: UInt64, previousHash: [UInt8], dataHash: [UInt8]) {
    self.number = number
    self.previousHash = previousHash
    self.dataHash = dataHash
  }

  /// The ASN.1 DER form `SEQUENCE { INTEGER number, OCTET STRING previousHash, OCTET STRING dataHash }`.
  ///
  /// Its SHA-256 is the header's hash, and block signatures cover it (Fabric:
  /// `protoutil.BlockHeaderBytes`).
  package func derBytes() -> [UInt8] {
    var integer: [UInt8] = []
    // A minimal two's complement integer: a leading zero byte where the top bit would mean "negative".
    for shift in stride(from: 56, through: 0, by: -8) {
      let byte = UInt8(truncatingIfNeeded: number >> UInt64(shift))
      if !integer.isEmpty || byte != 0 { integer.append(byte) }
    }
    if integer.isEmpty || integer[0] >= 0x80 { integer.insert(0, at: 0) }
    var content: [UInt8] = []
    content.reserveCapacity(16 + previousHash.count + dataHash.count)
    Self.appendDER(tag: 0x02, integer, to: &content)
    Self.appendDER(tag: 0x04, previousHash, to: &content)
    Self.appendDER(tag: 0x04, dataHash, to: &content)
    var result: [UInt8] = []
    result.reserveCapacity(content.count + 6)
    Self.appendDER(tag: 0x30, content, to: &result)
    return result
  }

  private static func appendDER(tag: UInt8, _ content: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(tag)
    if content.count < 0x80 {
      bytes.append(UInt8(content.count))
    } else {
      var length: [UInt8] = []
      var rest = content.count
      while rest > 0 {
        length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
        rest >>= 8
      }
      bytes.append(0x80 | UInt8(length.count))
      bytes += length
    }
    bytes += content
  }
}

/// Why bytes are not a block.
package struct BlockDecodingError: Error, CustomStringConvertible {
  package init() {}
  package var description: String { "the bytes are not a valid serialized block" }
}

/// A block as Fabric's `common.Block`.
package struct Block: Sendable, Equatable {
  package var header: BlockHeader
  /// Serialized envelopes, in order.
  package var data: [[UInt8]]
  /// Serialized `common.Metadata` entries, indexed by `common.BlockMetadataIndex`.
  package var metadata: [[UInt8]]

  package init(header: BlockHeader, data: [[UInt8]], metadata: [[UInt8]]) {
    self.header = header
    self.data = data
    self.metadata = metadata
  }

  /// Decodes a serialized `common.Block`. Unknown fields are ignored.
  ///
  /// - Throws: ``BlockDecodingError`` if the bytes are malformed or no header is there.
  package init(serialized bytes: [UInt8]) throws(BlockDecodingError) {
    var header = BlockHeader(number: 0, previousHash: [], dataHash: [])
    var hasHeader = false
    var data: [[UInt8]] = []
    var metadata: [[UInt8]] = []
    do {
      var reader = WireReader(bytes, 0..<bytes.count)
      while let field = try reader.next() {
        guard field.type == 2 else { continue }
        var inner = WireReader(bytes, field.range)
        switch field.number {
        case 1:
          hasHeader = true
          while let part = try inner.next() {
            if part.isVarint(1) {
              header.number = part.varint
            } else if part.isBytes(2) {
              header.previousHash = Array(bytes[part.range])
            } else if part.isBytes(3) {
              header.dataHash = Array(bytes[part.range])
            }
          }
        case 2:
          while let part = try inner.next() {
            guard part.isBytes(1) else { continue }
            data.append(Array(bytes[part.range]))
          }
        case 3:
          while let part = try inner.next() {
            guard part.isBytes(1) else { continue }
            metadata.append(Array(bytes[part.range]))
          }
        default: continue
        }
      }
    } catch { throw BlockDecodingError() }
    guard hasHeader else { throw BlockDecodingError() }
    self.init(header: header, data: data, metadata: metadata)
  }

  /// The protobuf form, byte for byte as the Go implementation writes it.
  package func serialized() -> [UInt8] {
    let headerSize =
      (header.number == 0 ? 0 : 1 + Varint.size(header.number))
      + Self.fieldSize(optional: header.previousHash) + Self.fieldSize(optional: header.dataHash)
    let dataSize = Self.repeatedSize(data)
    let metadataSize = Self.repeatedSize(metadata)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(
      headerSize + dataSize + metadataSize + 3 * (1 + Varint.maximumSize))
    bytes.append(0x0A)
    Varint.append(UInt64(headerSize), to: &bytes)
    if header.number != 0 {
      bytes.append(0x08)
      Varint.append(header.number, to: &bytes)
    }
    if !header.previousHash.isEmpty { Self.appendField(0x12, header.previousHash, to: &bytes) }
    if !header.dataHash.isEmpty { Self.appendField(0x1A, header.dataHash, to: &bytes) }
    bytes.append(0x12)
    Varint.append(UInt64(dataSize), to: &bytes)
    for entry in data { Self.appendField(0x0A, entry, to: &bytes) }
    bytes.append(0x1A)
    Varint.append(UInt64(metadataSize), to: &bytes)
    for entry in metadata { Self.appendField(0x0A, entry, to: &bytes) }
    return bytes
  }

  private static func fieldSize(_ content: [UInt8]) -> Int {
    1 + Varint.size(UInt64(content.count)) + content.count
  }

  private static func fieldSize(optional content: [UInt8]) -> Int {
    content.isEmpty ? 0 : fieldSize(content)
  }

  private static func repeatedSize(_ entries: [[UInt8]]) -> Int {
    entries.reduce(0) { $0 + fieldSize($1) }
  }

  private static func appendField(_ tag: UInt8, _ content: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(tag)
    Varint.append(UInt64(content.count), to: &bytes)
    bytes += content
  }
}
