// Text in quotation marks that cannot leave its line.

/// The quotation marks of messages.
package enum Quoting {
  /// Of a name that a client chose, more code points than any valid name has are cut off.
  private static let longestName = 256

  /// As Go's `%q` writes a text, apart from what cannot be printed beyond ASCII.
  package static func go(_ text: String) -> String {
    quoted(text) { scalar in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\u{7}": "\\a"
      case "\u{8}": "\\b"
      case "\u{b}": "\\v"
      case "\u{c}": "\\f"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        "\\x" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
      default: nil
      }
    }
  }

  /// As Fabric shows a setting: the text as it is, with only control characters escaped.
  package static func setting(_ text: String) -> String {
    quoted(text) { scalar in
      scalar.value < 0x20 ? "\\u{\(String(scalar.value, radix: 16))}" : nil
    }
  }

  /// A name that a client chose, fit for a log line: control characters are escaped, and what is longer
  /// than any valid name is cut off.
  package static func name(_ name: String) -> String {
    let scalars = name.unicodeScalars
    let text = scalars.prefix(longestName).map { $0.escaped(asASCII: false) }.joined()
    return "'\(text)\(scalars.dropFirst(longestName).isEmpty ? "" : "…")'"
  }

  /// - Parameter escape: what stands for a character, other than the ends of lines and tabs; nil if it
  ///   stands for itself.
  private static func quoted(_ text: String, _ escape: (Unicode.Scalar) -> String?) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if let escaped = escape(scalar) {
          result += escaped
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
