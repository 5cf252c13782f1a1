// JSON as Go's encoders write it, as far as it is needed here.

/// Text of JSON documents.
package enum JSONText {
  /// Which characters are escaped beyond those that JSON demands, and how.
  package enum Escapes: Sendable {
    /// As `encoding/json` does: also `<`, `>`, `&` and the line separators of JavaScript, so that the
    /// text is safe within HTML.
    case htmlSafe
    /// As the encoder of zap, which writes Fabric's logs, does: nothing more, and `\b` and `\f` by
    /// their numbers.
    case log
  }

  /// A string with its quotation marks, safe within HTML.
  package static func string(_ text: String) -> String {
    var output: [UInt8] = []
    append(text, to: &output)
    return String(decoding: output, as: UTF8.self)
  }

  /// An object with string values, in this order, without blanks.
  package static func object(_ members: [(name: String, value: String)]) -> String {
    "{" + members.map { string($0.name) + ":" + string($0.value) }.joined(separator: ",") + "}"
  }

  /// Appends a string with its quotation marks.
  package static func append(
    _ text: String, _ escapes: Escapes = .htmlSafe, to output: inout [UInt8]
  ) {
    output.append(UInt8(ascii: "\""))
    appendEscaped(text, escapes, to: &output)
    output.append(UInt8(ascii: "\""))
  }

  /// Appends a string's text without quotation marks.
  package static func appendEscaped(
    _ text: String, _ escapes: Escapes = .htmlSafe, to output: inout [UInt8]
  ) {
    let isHTMLSafe = escapes == .htmlSafe
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: "\""):
        output.append(UInt8(ascii: "\\"))
        output.append(byte)
      case UInt8(ascii: "\n"): output.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\r"): output.append(contentsOf: "\\r".utf8)
      case UInt8(ascii: "\t"): output.append(contentsOf: "\\t".utf8)
      case 0x08 where isHTMLSafe: output.append(contentsOf: "\\b".utf8)
      case 0x0C where isHTMLSafe: output.append(contentsOf: "\\f".utf8)
      case 0..<0x20: appendNumber(UInt16(byte), to: &output)
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
        if isHTMLSafe { appendNumber(UInt16(byte), to: &output) } else { output.append(byte) }
      case 0xA8, 0xA9:
        // The line and the paragraph separator, U+2028 and U+2029, are E2 80 A8 and E2 80 A9.
        if isHTMLSafe, output.suffix(2) == [0xE2, 0x80] {
          output.removeLast(2)
          appendNumber(0x2000 | UInt16(byte & 0x3F), to: &output)
        } else {
          output.append(byte)
        }
      default: output.append(byte)
      }
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)

  /// Appends `\u` and the number of a character.
  private static func appendNumber(_ number: UInt16, to output: inout [UInt8]) {
    output.append(contentsOf: "\\u".utf8)
    for shift in [12, 8, 4, 0] { output.append(digits[Int(number >> shift & 15)]) }
  }
}
