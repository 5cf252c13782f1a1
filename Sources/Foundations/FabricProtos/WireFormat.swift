// Reads and writes the protobuf wire format by hand where decoding a whole message would cost more
// than the message is worth: envelopes on the hot path and blocks, whose parts stay opaque bytes.

/// Base-128 variable-length integers (https://protobuf.dev/programming-guides/encoding/#varints).
package enum Varint {
  /// The longest encoding of a 64-bit value, in bytes.
  package static let maximumSize = 10

  /// Bytes that `value` takes, 1 to ``maximumSize``.
  @inlinable
  package static func size(_ value: UInt64) -> Int {
    value == 0 ? 1 : (70 - value.leadingZeroBitCount) / 7
  }

  /// Appends the shortest encoding of `value`.
  @inlinable
  package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    encode(value) { bytes.append($0) }
  }

  /// Writes the shortest encoding of `value` at `index` of `memory`, and moves `index` past it.
  /// Traps where the memory ends before the value does.
  @inlinable
  package static func write(
    _ value: UInt64, to memory: UnsafeMutableRawBufferPointer, at index: inout Int
  ) {
    encode(value) { byte in
      precondition(index < memory.count)
      memory[index] = byte
      index += 1
    }
  }

  /// Calls `body` with each byte of the shortest encoding of `value`.
  @inlinable @inline(__always)
  static func encode(_ value: UInt64, _ body: (UInt8) -> Void) {
    var rest = value
    while rest >= 0x80 {
      body(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    body(UInt8(truncatingIfNeeded: rest))
  }

  /// Reads a value at `index` of `bytes`, not reading at or past `end`, and moves `index` past it.
  ///
  /// - Returns: nil, with `index` unchanged, if the value is cut off or longer than 64 bits.
  @inlinable
  package static func read(_ bytes: [UInt8], at index: inout Int, end: Int) -> UInt64? {
    bytes.withUnsafeBytes { read($0, at: &index, end: end) }
  }

  /// The same for a buffer.
  @inlinable
  package static func read(
    _ bytes: UnsafeRawBufferPointer, at index: inout Int, end: Int
  ) -> UInt64? {
    guard index >= 0, end <= bytes.count else { return nil }
    var value: UInt64 = 0
    var shift: UInt64 = 0
    var next = index
    while next < end, shift < 64 {
      let byte = bytes[next]
      next += 1
      if shift == 63, byte > 1 { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 {
        index = next
        return value
      }
      shift += 7
    }
    return nil
  }
}

/// Walks over the fields of one serialized message without decoding them.
///
/// Accepts what the Go implementation's parser accepts, so that both agree on what is malformed:
/// unknown fields and groups are skipped, a field number of 0 and a cut-off value are errors.
package struct WireReader {
  /// One field; for length-delimited fields `range` is the content.
  package struct Field {
    package let number: UInt64
    /// The wire type: 0 for varints, 1 and 5 for 8 and 4 bytes, 2 for length-delimited, 3 for groups.
    package let type: UInt8
    /// The value, if it is a varint.
    package let varint: UInt64
    package let range: Range<Int>

    /// Whether this is a length-delimited field of the given number. A known field that comes with
    /// another wire type counts as unknown, as in the Go implementation.
    package func isBytes(_ expected: UInt64) -> Bool { number == expected && type == 2 }

    package func isVarint(_ expected: UInt64) -> Bool { number == expected && type == 0 }
  }

  /// The message is cut off, has an invalid tag, or nests groups too deeply.
  package struct Malformed: Error {}

  /// Nested groups that are skipped before the message counts as malformed.
  static let maximumGroupDepth = 100

  let bytes: [UInt8]
  /// Where the next field begins.
  package private(set) var index: Int
  let end: Int

  /// Reads the message in a range of the bytes.
  package init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    index = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or nil at the end of the message.
  package mutating func next() throws(Malformed) -> Field? {
    guard index < end else { return nil }
    return try field(depth: 0)
  }

  private mutating func field(depth: Int) throws(Malformed) -> Field {
    guard let tag = Varint.read(bytes, at: &index, end: end) else { throw Malformed() }
    let number = tag >> 3
    guard number >= 1, number < 1 << 29 else { throw Malformed() }
    let type = UInt8(tag & 7)
    let start = index
    switch type {
    case 0:
      guard let value = Varint.read(bytes, at: &index, end: end) else { throw Malformed() }
      return Field(number: number, type: type, varint: value, range: start..<index)
    case 1, 5:
      let size = type == 1 ? 8 : 4
      guard end - index >= size else { throw Malformed() }
      index += size
    case 2:
      guard let length = Varint.read(bytes, at: &index, end: end),
        length <= UInt64(end - index)
      else { throw Malformed() }
      let content = index..<(index + Int(length))
      index = content.upperBound
      return Field(number: number, type: type, varint: 0, range: content)
    case 3:
      guard depth < Self.maximumGroupDepth else { throw Malformed() }
      while true {
        guard index < end else { throw Malformed() }
        let inner = try field(depth: depth + 1)
        if inner.type == 4 {
          guard inner.number == number else { throw Malformed() }
          break
        }
      }
    case 4:
      // Legal only as the end of a group that the caller is skipping.
      guard depth > 0 else { throw Malformed() }
    default:
      throw Malformed()
    }
    return Field(number: number, type: type, varint: 0, range: start..<index)
  }
}

extension WireReader {
  /// Whether the bytes in `range` are valid UTF-8, as proto3 demands of string fields.
  static func isUTF8(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    bytes.withUnsafeBufferPointer { buffer in
      let part = UnsafeBufferPointer(rebasing: buffer[range])
      if part.allSatisfy({ $0 < 0x80 }) { return true }
      return String(validating: part, as: UTF8.self) != nil
    }
  }
}
