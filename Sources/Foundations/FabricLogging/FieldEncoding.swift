// How keys and values of log fields are written, in logfmt and in JSON.

import Logging

/// Appends escaped text and metadata values to a line.
enum FieldEncoding {
  /// Nested metadata deeper than this is written as `…`.
  static let maximumDepth = 8

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  /// Appends text with JSON's escapes, without quotation marks.
  static func appendEscaped(_ text: some StringProtocol, to output: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: "\""):
        output.append(UInt8(ascii: "\\"))
        output.append(byte)
      case UInt8(ascii: "\n"): output.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\r"): output.append(contentsOf: "\\r".utf8)
      case UInt8(ascii: "\t"): output.append(contentsOf: "\\t".utf8)
      case 0..<0x20:
        output.append(contentsOf: "\\u00".utf8)
        output.append(hexadecimal[Int(byte >> 4)])
        output.append(hexadecimal[Int(byte & 15)])
      default: output.append(byte)
      }
    }
  }

  /// Appends text as a JSON string.
  static func appendJSONString(_ text: some StringProtocol, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    appendEscaped(text, to: &output)
    output.append(UInt8(ascii: "\""))
  }

  // MARK: logfmt

  /// Appends `key=value`. What may not be part of a key is left out of it.
  static func appendLogfmt(
    key: String, value: Logger.MetadataValue, depth: Int = 0, to output: inout [UInt8]
  ) {
    appendLogfmtKey(key, to: &output)
    appendLogfmtText(logfmtText(value, depth: depth), to: &output)
  }

  /// Appends `key=`.
  static func appendLogfmtKey(_ key: String, to output: inout [UInt8]) {
    appendEscaped(String(key.unicodeScalars.filter { !needsQuotes($0) }), to: &output)
    output.append(UInt8(ascii: "="))
  }

  /// Appends a value, in quotation marks if it contains blanks, `=`, or quotation marks.
  static func appendLogfmtText(_ text: String, to output: inout [UInt8]) {
    let quotes = text.unicodeScalars.contains(where: needsQuotes)
    if quotes { output.append(UInt8(ascii: "\"")) }
    appendEscaped(text, to: &output)
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
    guard depth < maximumDepth else { return appendJSONString("…", to: &output) }
    switch value {
    case .string(let text): appendJSONString(text, to: &output)
    case .stringConvertible(let value):
      switch value {
      case is any BinaryInteger, is Bool: output.append(contentsOf: value.description.utf8)
      case let number as Double where number.isFinite:
        output.append(contentsOf: number.description.utf8)
      default: appendJSONString(value.description, to: &output)
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
        appendJSONString(key, to: &output)
        output.append(UInt8(ascii: ":"))
        appendJSON(value, depth: depth + 1, to: &output)
      }
      output.append(UInt8(ascii: "}"))
    }
  }
}
