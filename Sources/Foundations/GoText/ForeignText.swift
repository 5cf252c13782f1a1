// Text that came from outside, as a log or a terminal may show it.

/// Escapes what could pretend to be something else, and cuts what is long.
package enum ForeignText {
  /// Bytes of a name that are shown.
  package static let nameBytes = 256

  /// The text, at most `limit` bytes of it in UTF-8, with its control characters as `\u001b`. What was
  /// cut is told.
  package static func shown(_ text: String, atMost limit: Int = nameBytes) -> String {
    let count = text.utf8.count
    let isWhole = count <= limit
    if isWhole, !text.unicodeScalars.contains(where: mustBeEscaped) { return text }
    var result = ""
    var used = 0
    for scalar in text.unicodeScalars {
      used += UTF8.width(scalar)
      guard used <= limit else { break }
      append(scalar, to: &result)
    }
    return isWhole ? result : "\(result)… (\(count) bytes)"
  }

  /// Control characters, separators of lines, and what changes the direction of writing: a terminal or a
  /// reader of lines takes them for something of their own.
  package static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0: true
    case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// Appends a character, or its number if it must not be shown.
  package static func append(_ scalar: Unicode.Scalar, to text: inout String) {
    guard mustBeEscaped(scalar) else { return text.unicodeScalars.append(scalar) }
    let digits = String(scalar.value, radix: 16)
    text += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
