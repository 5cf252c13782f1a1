// What an orderer answers to a seek request.

import FabricProtos

/// One `DeliverResponse`.
enum DeliverAnswer: Sendable, Equatable {
  /// A block, and its size on the wire.
  case block(Block, bytes: Int)
  /// No block is going to come.
  case status(Common_Status)

  /// - Throws: ``NotAnAnswer``
  init(_ bytes: [UInt8]) throws(NotAnAnswer) {
    var answer: DeliverAnswer?
    do {
      var reader = WireReader(bytes, 0..<bytes.count)
      while let field = try reader.next() {
        if field.isVarint(1) {
          // Every number is one: the enumeration is open.
          answer = Common_Status(rawValue: Int(truncatingIfNeeded: field.varint))
            .map { .status($0) }
        } else if field.isBytes(2) {
          answer = .block(
            try Block(serialized: Array(bytes[field.range])), bytes: field.range.count)
        }
      }
    } catch { throw NotAnAnswer() }
    guard let answer else { throw NotAnAnswer() }
    self = answer
  }
}

/// Bytes that are no readable answer.
struct NotAnAnswer: Error, CustomStringConvertible {
  var description: String { "the response is not readable" }
}
