// Why bytes are not the message that they should be.

/// What is wrong with a protobuf message of etcd's, and which.
package struct WireError: Error, Equatable, CustomStringConvertible {
  package enum Reason: Equatable, Sendable {
    /// A tag, a number or a content ends behind the end of the message, or is no such thing.
    case cutOff
    /// No field has such a tag.
    case badTag(UInt64)
    /// A known field comes with another wire type than it has.
    case wrongType(field: UInt64)
    /// An enumeration has no such value.
    case unknownValue(field: UInt64, value: UInt64)
    /// A repeated field has more elements than this program takes.
    case tooMany(field: UInt64, limit: Int)
    /// Groups, which only an unknown field can have, are nested too deeply.
    case tooDeep
  }

  /// The message's name in etcd's protocol files, e.g. `raftpb.Entry`.
  package let message: String
  package let reason: Reason

  package var description: String {
    switch reason {
    case .cutOff: "\(message) is cut off"
    case .badTag(let tag): "\(message) has a field with the impossible tag \(tag)"
    case .wrongType(let field): "field \(field) of \(message) has the wrong wire type"
    case .unknownValue(let field, let value):
      "field \(field) of \(message) has the unknown value \(value)"
    case .tooMany(let field, let limit):
      "field \(field) of \(message) occurs more than \(limit) times"
    case .tooDeep: "\(message) nests groups too deeply"
    }
  }
}
