// Walks over the fields of a message of etcd's without copying anything.

import FabricProtos

/// One field of a serialized message.
package struct WireField {
  enum Content {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
    /// 4 or 8 bytes, or a group: none of etcd's fields has such a type.
    case foreign
  }

  /// The message that the field is of.
  let message: String
  let number: UInt64
  let content: Content

  /// The value of a field that is known to be a number.
  func numeric() throws(WireError) -> UInt64 {
    guard case .number(let value) = content else { throw fault(.wrongType(field: number)) }
    return value
  }

  /// The value of a field that is known to be a truth value.
  func flag() throws(WireError) -> Bool { try numeric() != 0 }

  /// The value of a field that is known to be an enumeration.
  func value<Value: RawRepresentable<UInt32>>(_: Value.Type) throws(WireError) -> Value {
    let raw = try numeric()
    guard let small = UInt32(exactly: raw), let value = Value(rawValue: small) else {
      throw fault(.unknownValue(field: number, value: raw))
    }
    return value
  }

  /// The content of a field that is known to be a byte string or a message.
  func bytes() throws(WireError) -> ArraySlice<UInt8> {
    guard case .bytes(let content) = content else { throw fault(.wrongType(field: number)) }
    return content
  }

  /// Appends the elements of a field that is known to be a list of numbers, packed or not.
  func append(to list: inout [UInt64], limit: Int) throws(WireError) {
    switch content {
    case .number(let value): list.append(value)
    case .bytes(let packed):
      var reader = FieldReader(packed, of: message)
      while !reader.isAtEnd {
        list.append(try reader.varint())
        guard list.count <= limit else { break }
      }
    case .foreign: throw fault(.wrongType(field: number))
    }
    guard list.count <= limit else { throw fault(.tooMany(field: number, limit: limit)) }
  }

  func fault(_ reason: WireError.Reason) -> WireError {
    WireError(message: message, reason: reason)
  }
}

/// Reads fields one after the other. Accepts what gogo's generated code accepts, but for numbers of more
/// than 64 bits, which it would cut.
struct FieldReader {
  /// Nested groups that are skipped before the message counts as malformed.
  private static let maximumDepth = 100

  private let bytes: ArraySlice<UInt8>
  private let message: String
  /// Where the next field begins.
  private var index: Int

  init(_ bytes: ArraySlice<UInt8>, of message: String) {
    self.bytes = bytes
    self.message = message
    index = bytes.startIndex
  }

  var isAtEnd: Bool { index >= bytes.endIndex }

  /// The next field; nil at the end of the message.
  mutating func next() throws(WireError) -> WireField? {
    guard !isAtEnd else { return nil }
    let (number, type) = try tag()
    switch type {
    case 0: return WireField(message: message, number: number, content: .number(try varint()))
    case 2: return WireField(message: message, number: number, content: .bytes(try content()))
    default:
      try skip(number, type)
      return WireField(message: message, number: number, content: .foreign)
    }
  }

  /// A number without a tag.
  mutating func varint() throws(WireError) -> UInt64 {
    var position = index - bytes.startIndex
    let value = bytes.withUnsafeBytes { Varint.read($0, at: &position, end: $0.count) }
    guard let value else { throw fault(.cutOff) }
    index = bytes.startIndex + position
    return value
  }

  private mutating func tag() throws(WireError) -> (number: UInt64, type: UInt8) {
    let tag = try varint()
    let number = tag >> 3
    guard number >= 1, number < 1 << 29 else { throw fault(.badTag(tag)) }
    return (number, UInt8(tag & 7))
  }

  private mutating func content() throws(WireError) -> ArraySlice<UInt8> {
    let length = try varint()
    guard length <= UInt64(bytes.endIndex - index) else { throw fault(.cutOff) }
    let begin = index
    index += Int(length)
    return bytes[begin..<index]
  }

  /// Skips a value of a type that no known field has.
  private mutating func skip(_ number: UInt64, _ type: UInt8) throws(WireError) {
    switch type {
    case 1: try skip(8)
    case 5: try skip(4)
    case 3: try skipGroup(number)
    default: throw fault(.badTag(number << 3 | UInt64(type)))
    }
  }

  private mutating func skip(_ count: Int) throws(WireError) {
    guard bytes.endIndex - index >= count else { throw fault(.cutOff) }
    index += count
  }

  private mutating func skipGroup(_ number: UInt64) throws(WireError) {
    var open = [number]
    while let innermost = open.last {
      let (number, type) = try tag()
      switch type {
      case 0: _ = try varint()
      case 2: _ = try content()
      case 3:
        guard open.count < Self.maximumDepth else { throw fault(.tooDeep) }
        open.append(number)
      case 4:
        guard number == innermost else { throw fault(.badTag(number << 3 | 4)) }
        open.removeLast()
      default: try skip(number, type)
      }
    }
  }

  private func fault(_ reason: WireError.Reason) -> WireError {
    WireError(message: message, reason: reason)
  }
}
