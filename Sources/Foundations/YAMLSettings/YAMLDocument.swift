// Parses YAML without letting the text decide how much time and memory that takes.

import Yams

/// A parsed YAML document with a mapping at its root, or with nothing in it.
package struct YAMLDocument {
  /// Bytes of text that are accepted; a large real configtx.yaml has 50 kB.
  package static let maximumSize = 1 << 20

  let root: Node?

  /// Parses a text that has one document.
  ///
  /// - Parameter mayBeEmpty: Whether a text without any value is acceptable.
  /// - Throws: a problem of the kind `malformedYAML`.
  package init(_ yaml: String, mayBeEmpty: Bool = false) throws(SettingProblem) {
    guard yaml.utf8.count <= Self.maximumSize else {
      throw SettingProblem(
        .malformedYAML,
        "the text has \(yaml.utf8.count) bytes; at most \(Self.maximumSize) are read")
    }
    let bytes = Array(yaml.utf8)
    let scan = KeyScan(bytes)
    if let line = scan.lineOfComplexKey {
      throw SettingProblem(
        .malformedYAML, line: line,
        "a mapping key here is an alias, a list or a mapping; only plain names can be keys")
    }
    let root = try Self.parse(yaml, bytes, scan)
    if root?.isNull ?? true {
      guard mayBeEmpty else { throw SettingProblem(.malformedYAML, "it is empty") }
      self.root = nil
      return
    }
    guard root?.mapping != nil else {
      throw SettingProblem(.malformedYAML, "it holds no settings: it is not a YAML mapping")
    }
    self.root = root
  }

  private static func parse(
    _ yaml: String, _ bytes: [UInt8], _ scan: KeyScan
  ) throws(SettingProblem) -> Node? {
    do {
      do {
        return try root(yaml)
      } catch YamlError.duplicatedKeysInMapping(duplicates: ["<<"], context: _) {
        return try root(MergeKey.distinguished(bytes, at: scan.mergeKeys))
      }
    } catch let error as YamlError {
      throw problem(error)
    } catch {
      throw SettingProblem(.malformedYAML, "it is not YAML: \(error)")
    }
  }

  private static func root(_ yaml: String) throws -> Node? {
    try Parser(yaml: yaml, resolver: .basic, encoding: .utf8).singleRoot()
  }

  /// The parser's error in a line of its own: its description would quote the text.
  private static func problem(_ error: YamlError) -> SettingProblem {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      SettingProblem(.malformedYAML, line: mark.line, "it is not YAML: \(problem)")
    case .reader(let problem, _, _, _): SettingProblem(.malformedYAML, "it is not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      SettingProblem(
        .malformedYAML, line: context.mark.line,
        "duplicate key \(duplicates.joined(separator: ", ")); each can be set once")
    default: SettingProblem(.malformedYAML, "it is not YAML")
    }
  }
}

/// The key `<<`, with which a mapping takes over the entries of other mappings.
///
/// It may stand in a mapping more than once, but the parser refuses all repeated keys. In a text
/// that repeats it, each gets a name of its own, of the same width, before the text is parsed.
enum MergeKey {
  /// Beginning of the names; a character that has no meaning for anybody else.
  private static let mark: Unicode.Scalar = "\u{E000}"
  /// Second letters of the names.
  private static let letters: ClosedRange<UInt32> = 0xE001...0xF8FF

  /// The text with a name for each merge key that stands at one of these places.
  static func distinguished(_ bytes: [UInt8], at places: [Int]) -> String {
    var text = ""
    var copied = 0
    for (number, place) in places.enumerated() {
      text += String(decoding: bytes[copied..<place], as: UTF8.self)
      let letter = letters.lowerBound + UInt32(number % letters.count)
      text.unicodeScalars.append(mark)
      text.unicodeScalars.append(Unicode.Scalar(letter) ?? mark)
      copied = place + 2
    }
    return text + String(decoding: bytes[copied...], as: UTF8.self)
  }

  /// Whether a key is a merge key.
  static func matches(_ key: Node.Scalar) -> Bool {
    guard key.style == .plain else { return false }
    if key.string == "<<" { return true }
    let scalars = key.string.unicodeScalars
    return scalars.count == 2 && scalars.first == mark
  }
}
