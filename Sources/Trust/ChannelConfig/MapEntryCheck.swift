// A second look at the wire form of config trees, where the protobuf library reads less strictly than
// Go's.

import FabricProtos
import Foundation

/// Checks the map entries of a config message.
///
/// If the key or the value of a map entry has the wrong wire type, Go's library skips it as an
/// unknown field, while the library used here reads on in the middle of its content. Nodes that must
/// agree about a config would then see two different ones. No encoder writes such entries, so they
/// are refused.
enum MapEntryCheck {
  private struct Malformed: Error {
    /// Whether the message merely has too many elements.
    var isTooLarge = false
  }

  /// Checks the groups and the isolated data of a serialized `common.ConfigUpdate`.
  static func configUpdate(_ bytes: Data) throws(ConfigError) {
    try check(bytes, "config update") { (bytes: [UInt8]) throws(Malformed) in
      var elements = 0
      try fields(bytes, bytes.indices) { (number, range) throws(Malformed) in
        switch number {
        case 2, 3: try group(bytes, range, depth: 0, &elements)
        case 5: try entry(bytes, range) { (_) throws(Malformed) in }
        default: break
        }
      }
    }
  }

  /// Checks the groups of a serialized `common.ConfigEnvelope`.
  static func configEnvelope(_ bytes: Data) throws(ConfigError) {
    try check(bytes, "config envelope") { (bytes: [UInt8]) throws(Malformed) in
      var elements = 0
      try fields(bytes, bytes.indices) { (number, range) throws(Malformed) in
        guard number == 1 else { return }
        try fields(bytes, range) { (number, range) throws(Malformed) in
          if number == 2 { try group(bytes, range, depth: 0, &elements) }
        }
      }
    }
  }

  /// Checks a message whose only field is a map of number 1.
  static func map(_ bytes: Data, _ name: String) throws(ConfigError) {
    try check(bytes, name) { (bytes: [UInt8]) throws(Malformed) in
      try fields(bytes, bytes.indices) { (number, range) throws(Malformed) in
        if number == 1 { try entry(bytes, range) { (_) throws(Malformed) in } }
      }
    }
  }

  private static func check(
    _ bytes: Data, _ name: String, _ body: ([UInt8]) throws(Malformed) -> Void
  ) throws(ConfigError) {
    do { try body(Array(bytes)) } catch {
      guard !error.isTooLarge else { throw Common_ConfigGroup.tooManyElements }
      throw ConfigError(
        .malformed,
        "failed to unmarshal \(name): it is cut off, or the key or value of a map entry has the "
          + "wrong wire type")
    }
  }

  /// Also counts the elements, so that a message of millions is refused before it is decoded. A
  /// repeated key counts every time; real configs have none, and stay far below the bound, which
  /// here covers both sets of an update.
  private static func group(
    _ bytes: [UInt8], _ range: Range<Int>, depth: Int, _ elements: inout Int
  ) throws(Malformed) {
    guard depth < ConfigBundle.maximumDepth else { throw Malformed() }
    try fields(bytes, range) { (number, range) throws(Malformed) in
      guard (2...4).contains(number) else { return }
      elements += 1
      guard elements <= 2 * ConfigBundle.maximumElements else { throw Malformed(isTooLarge: true) }
      try entry(bytes, range) { (value) throws(Malformed) in
        if number == 2 { try group(bytes, value, depth: depth + 1, &elements) }
      }
    }
  }

  private static func entry(
    _ bytes: [UInt8], _ range: Range<Int>, _ value: (Range<Int>) throws(Malformed) -> Void
  ) throws(Malformed) {
    try fields(bytes, range, strictly: true) { (number, range) throws(Malformed) in
      if number == 2 { try value(range) }
    }
  }

  /// Calls `body` for every length-delimited field with its number and content.
  ///
  /// - Parameter strictly: whether fields 1 and 2 must be length-delimited.
  private static func fields(
    _ bytes: [UInt8], _ range: Range<Int>, strictly: Bool = false,
    _ body: (UInt64, Range<Int>) throws(Malformed) -> Void
  ) throws(Malformed) {
    var reader = WireReader(bytes, range)
    while let field = try next(of: &reader) {
      guard !strictly || field.number > 2 || field.type == 2 else { throw Malformed() }
      switch field.type {
      case 2: try body(field.number, field.range)
      // Nobody writes groups.
      case 3: throw Malformed()
      default: break
      }
    }
  }

  private static func next(
    of reader: inout WireReader
  ) throws(Malformed) -> WireReader.Field? {
    do { return try reader.next() } catch { throw Malformed() }
  }
}
