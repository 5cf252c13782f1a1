// A look at the keys of a YAML text before it is parsed.

/// What a scan of a text for unusual keys has found.
///
/// Aliases make a YAML tree that is small in memory but exponential to walk. Walking is bounded by
/// ``SettingWalk``; the parser itself, however, walks mapping *keys* to find duplicates. So keys that
/// are not plain names have to be found before parsing. No configuration needs them.
struct KeyScan {
  /// The first line that has, outside of quotes and comments, an alias or a closing bracket before
  /// a colon, or a question mark that opens a key.
  private(set) var lineOfComplexKey: Int?
  /// Where the merge keys (`<<`) are.
  private(set) var mergeKeys: [Int] = []

  init(_ bytes: [UInt8]) {
    var line = 1
    // Whether the last thing read is an alias, or a list or mapping in brackets.
    var isAfterComplexValue = false
    // Brackets that are open, or one too many: letters of a plain text may be among them.
    var openBrackets = 0
    // Whether quotes, comments, aliases and the like have their meaning here, or are mere letters.
    var isTokenStart = true
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: "\n")
      let isBlankNext = " \t\r\n".utf8.contains(next)
      index += 1
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        isAfterComplexValue = false
        isTokenStart = true
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        isTokenStart = true
      case UInt8(ascii: "#") where isTokenStart:
        index = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        if isTokenStart { index = Self.endOfQuote(byte, in: bytes, from: index, line: &line) }
        isAfterComplexValue = false
        isTokenStart = false
      case UInt8(ascii: "*") where isTokenStart:
        while index < bytes.count, Self.isAnchorLetter(bytes[index]) { index += 1 }
        isAfterComplexValue = true
        isTokenStart = false
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        openBrackets = max(0, openBrackets - 1)
        isAfterComplexValue = true
        isTokenStart = false
      case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"):
        if byte != UInt8(ascii: ",") { openBrackets += 1 }
        isAfterComplexValue = false
        isTokenStart = true
      case UInt8(ascii: ":"):
        // Outside of brackets a colon ends a key only before a blank: there is none in tcp://[::1]:8125.
        if isAfterComplexValue, isBlankNext || openBrackets > 0 {
          lineOfComplexKey = line
          return
        }
        isAfterComplexValue = false
        isTokenStart = true
      case UInt8(ascii: "?") where isTokenStart && (isBlankNext || "*[{".utf8.contains(next)):
        lineOfComplexKey = line
        return
      case UInt8(ascii: "-") where isTokenStart && isBlankNext:
        isAfterComplexValue = false
      default:
        if isTokenStart, Self.isMergeKey(bytes, at: index - 1) { mergeKeys.append(index - 1) }
        isAfterComplexValue = false
        isTokenStart = false
      }
    }
  }

  /// Whether `<<` is here, followed by a colon.
  private static func isMergeKey(_ bytes: [UInt8], at index: Int) -> Bool {
    guard bytes[index...].starts(with: "<<".utf8) else { return false }
    var rest = bytes[(index + 2)...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    guard rest.popFirst() == UInt8(ascii: ":") else { return false }
    return rest.first.map { " \t\r\n".utf8.contains($0) } ?? true
  }

  /// The index after the closing quote.
  private static func endOfQuote(
    _ quote: UInt8, in bytes: [UInt8], from start: Int, line: inout Int
  ) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\n") { line += 1 }
      if byte == UInt8(ascii: "\\") && quote == UInt8(ascii: "\"") {
        index += 2
        continue
      }
      index += 1
      // A doubled single quote is a quote within the text: the second one opens it again.
      guard byte == quote else { continue }
      guard quote == UInt8(ascii: "'"), index < bytes.count, bytes[index] == quote else { break }
      index += 1
    }
    return min(index, bytes.count)
  }

  private static func isAnchorLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
