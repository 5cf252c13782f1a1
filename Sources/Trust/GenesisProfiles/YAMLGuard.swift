// Refuses YAML whose parsing alone could take unbounded time or memory, before it is parsed.

import Yams

/// Bounded parsing of a configtx.yaml.
///
/// Aliases make a YAML tree that is small in memory but exponential to walk. Walking is bounded by
/// ``ReadingContext``; the parser itself, however, walks mapping *keys* to find duplicates, so
/// keys that are not plain scalars are refused here. No configtx.yaml needs them.
enum YAMLGuard {
  /// Bytes of text that are accepted; a large real file has 50 kB.
  static let maximumSize = 1 << 20

  /// Parses one document.
  ///
  /// - Throws: ``GenesisError`` of kind `malformedYAML`.
  static func compose(_ yaml: String, file: String) throws(GenesisError) -> Node {
    guard yaml.utf8.count <= maximumSize else {
      throw GenesisError(
        .malformedYAML, file: file,
        "the file has \(yaml.utf8.count) bytes; at most \(maximumSize) are read")
    }
    if let line = lineOfComplexKey(yaml) {
      throw GenesisError(
        .malformedYAML, file: file, line: line,
        "a mapping key here is an alias, a list or a mapping; only plain names can be keys")
    }
    let root: Node?
    do {
      // Text starts with a byte order mark in files from some editors; it is not part of the YAML.
      root = try Yams.compose(yaml: yaml.hasPrefix("\u{FEFF}") ? String(yaml.dropFirst()) : yaml)
    } catch {
      throw GenesisError(.malformedYAML, file: file, "not valid YAML: \(error)")
    }
    guard let root, root.mapping != nil else {
      throw GenesisError(
        .malformedYAML, file: file, "the file holds no settings; it needs a section \"Profiles\"")
    }
    return root
  }

  /// The first line in which, outside of quotes and comments, an alias or a closing bracket stands
  /// before a colon, or a question mark opens a key.
  private static func lineOfComplexKey(_ yaml: String) -> Int? {
    let bytes = Array(yaml.utf8)
    var line = 1
    // Whether what was just read is an alias, or a list or mapping in brackets.
    var isAfterComplexValue = false
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
        if isTokenStart { index = endOfQuote(byte, in: bytes, from: index, line: &line) }
        isAfterComplexValue = false
        isTokenStart = false
      case UInt8(ascii: "*") where isTokenStart:
        while index < bytes.count, isAnchorLetter(bytes[index]) { index += 1 }
        isAfterComplexValue = true
        isTokenStart = false
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        isAfterComplexValue = true
        isTokenStart = false
      case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"):
        isAfterComplexValue = false
        isTokenStart = true
      case UInt8(ascii: ":"):
        if isAfterComplexValue { return line }
        isTokenStart = true
      case UInt8(ascii: "?") where isTokenStart && (isBlankNext || "*[{".utf8.contains(next)):
        return line
      case UInt8(ascii: "-") where isTokenStart && isBlankNext:
        isAfterComplexValue = false
      default:
        isAfterComplexValue = false
        isTokenStart = false
      }
    }
    return nil
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
