// How keys and values of log fields are written, in logfmt and in JSON.

import GoText
import Logging

/// Appends keys and metadata values to a line.
enum FieldEncoding {
  /// Nested metadata deeper than this is written as `…`.
  static let maximumDepth = 8

  // MARK: logfmt

  /// Appends `key=value`, leaving out characters that may not be part of a key.
  static func appendLogfmt(
    key: String, value: Logger.MetadataValue, depth: Int = 0, to output: inout [UInt8]
  ) {
    appendLogfmtKey(key, to: &output)
    appendLogfmtText(logfmtText(value, depth: depth), to: &output)
  }

  /// Appends `key=`.
  static func appendLogfmtKey(_ key: String, to output: inout [UInt8]) {
    JSONText.appendEscaped(
      String(key.unicodeScalars.filter { !needsQuotes($0) }), .log, to: &output)
    output.append(UInt8(ascii: "="))
  }

  /// Appends a value, in quotation marks if it contains blanks, `=`, or quotation marks.
  static func appendLogfmtText(_ text: String, to output: inout [UInt8]) {
    let quotes = text.unicodeScalars.contains(where: needsQuotes)
    if quotes { output.append(UInt8(ascii: "\"")) }
    JSONText.appendEscaped(text, .log, to: &output)
    if quotes { output.append(UInt8(ascii: "\"")) }
  }

  private static func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value <= 0x20 || scalar == "=" || scalar == "\"" || scalar == "\u{fffd}"
  }

  private static func logfmtText(_ value: Logger.MetadataValue, depth: Int) -> String {
    guard depth < maximumDepth else { return "…" }
    switch value {
    case .string(let text): return text
    case .stringConvertible(let value): return value.description
    case .array(let values):
      return "[" + values.map { logfmtText($0, depth: depth + 1) }.joined(separator: ",") + "]"
    case .dictionary(let values):
      var output: [UInt8] = []
      for (key, value) in values.sorted(by: { $0.key < $1.key }) {
        if !output.isEmpty { output.append(UInt8(ascii: " ")) }
        appendLogfmt(key: key, value: value, depth: depth + 1, to: &output)
      }
      return String(decoding: output, as: UTF8.self)
    }
  }

  // MARK: JSON

  /// Appends a value as JSON; numbers and booleans keep their type.
  static func appendJSON(
    _ value: Logger.MetadataValue, depth: Int = 0, to output: inout [UInt8]
  ) {
    guard depth < maximumDepth else { return JSONText.append("…", .log, to: &output) }
    switch value {
    case .string(let text): JSONText.append(text, .log, to: &output)
    case .stringConvertible(let value):
      switch value {
      case is any BinaryInteger, is Bool: output.append(contentsOf: value.description.utf8)
      case let number as Double where number.isFinite:
        output.append(contentsOf: number.description.utf8)
      default: JSONText.append(value.description, .log, to: &output)
      }
    case .array(let values):
      output.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        appendJSON(value, depth: depth + 1, to: &output)
      }
      output.append(UInt8(ascii: "]"))
    case .dictionary(let values):
      output.append(UInt8(ascii: "{"))
      for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        JSONText.append(key, .log, to: &output)
        output.append(UInt8(ascii: ":"))
        appendJSON(value, depth: depth + 1, to: &output)
      }
      output.append(UInt8(ascii: "}"))
    }
  }
}
