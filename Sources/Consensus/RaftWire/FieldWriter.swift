// Lays out the fields of etcd's messages, whose tags all have one byte.

import FabricProtos

/// Bytes that fields take, tag included.
enum FieldSize {
  static func number(_ value: UInt64) -> Int { 1 + Varint.size(value) }
  static let flag = 2
  /// Nothing if there is no content.
  static func bytes(_ content: ArraySlice<UInt8>) -> Int {
    content.isEmpty ? 0 : delimited(content.count)
  }
  /// A content of `count` bytes, which is there even if it is empty.
  static func delimited(_ count: Int) -> Int { 1 + Varint.size(UInt64(count)) + count }
  static func nested(_ value: some WireCodable) -> Int { delimited(value.wireSize) }
  static func numbers(_ values: [UInt64]) -> Int { values.reduce(0) { $0 + number($1) } }
}

extension [UInt8] {
  mutating func append(_ field: UInt8, number: UInt64) {
    append(field << 3)
    Varint.append(number, to: &self)
  }

  mutating func append(_ field: UInt8, flag: Bool) {
    append(field << 3)
    append(flag ? 1 : 0)
  }

  /// Appends a byte string; nothing if it is empty.
  mutating func append(_ field: UInt8, bytes: ArraySlice<UInt8>) {
    guard !bytes.isEmpty else { return }
    append(field, headOf: bytes.count)
    append(contentsOf: bytes)
  }

  /// Appends what stands before a content of `count` bytes.
  mutating func append(_ field: UInt8, headOf count: Int) {
    append(field << 3 | 2)
    Varint.append(UInt64(count), to: &self)
  }

  mutating func append(_ field: UInt8, nested value: some WireCodable) {
    append(field, headOf: value.wireSize)
    value.appendWire(to: &self)
  }

  /// Appends each of the numbers as a field of its own, as gogo does in proto2.
  mutating func append(_ field: UInt8, numbers: [UInt64]) {
    for number in numbers { append(field, number: number) }
  }
}
