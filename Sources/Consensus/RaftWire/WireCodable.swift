// What all of etcd's messages have in common, and how one is read and laid out.

/// A value that has a form in protobuf, as etcd's generated code (gogo) reads and writes it.
///
/// Reading: an absent field is zero, unknown fields are skipped, the last of two values counts. Writing:
/// every field that Go holds by value is there, even if it is zero; byte strings and lists that are empty
/// are absent.
package protocol WireCodable {
  /// The message's name in etcd's protocol files.
  static var wireName: String { get }
  /// A value none of whose fields were there.
  static var absent: Self { get }
  /// Bytes that ``appendWire(to:)`` appends.
  var wireSize: Int { get }
  /// Appends the serialized message.
  func appendWire(to bytes: inout [UInt8])
  /// Takes one field that was read; an unknown one changes nothing.
  mutating func take(_ field: WireField) throws(WireError)
}

extension WireCodable {
  /// Reads a serialized message. Byte strings in the value are slices of `wire`.
  package init(wire: ArraySlice<UInt8>) throws(WireError) {
    self = .absent
    try merge(wire)
  }

  /// The serialized message.
  package func wire() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(wireSize)
    appendWire(to: &bytes)
    return bytes
  }

  /// Reads more of the same message, as protobuf asks for where an embedded message occurs twice.
  mutating func merge(_ wire: ArraySlice<UInt8>) throws(WireError) {
    var reader = FieldReader(wire, of: Self.wireName)
    while let field = try reader.next() { try take(field) }
  }
}
