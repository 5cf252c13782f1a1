// Serialization with a fixed order of map entries, for bytes that several nodes must agree on.

import SwiftProtobuf

extension SwiftProtobuf.Message {
  /// The wire form with map entries sorted by key, as the Go implementation's deterministic mode.
  ///
  /// - Throws: `SwiftProtobufError` for a message larger than 2 GiB or without required fields.
  package func deterministicBytes() throws -> [UInt8] {
    var options = BinaryEncodingOptions()
    options.useDeterministicOrdering = true
    return try serializedBytes(options: options)
  }
}
