// Settings that are lists.

import YAMLSettings

/// The type of a list's elements.
protocol ListElement: Sendable, Equatable {
  static func decodeList(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> [Self]
  var renderedElement: String { get }
  func resolvedElement(against folder: String) -> Self
}

extension Array: SettingValue where Element: ListElement {
  static func decode(_ raw: SettingTree, _ context: DecodingContext) throws(ValueProblem)
    -> [Element]
  {
    try Element.decodeList(raw, context)
  }

  var rendered: String { "[" + map(\.renderedElement).joined(separator: " ") + "]" }
  var isUnset: Bool { isEmpty }
  func resolved(against folder: String) -> [Element] {
    map { $0.resolvedElement(against: folder) }
  }
}

extension String: ListElement {
  /// A YAML list; or a text: `[a, b]`, `a,b` or a single value; or, for certificates, the PEM
  /// blocks of `{File: path}` (Fabric: viperutil's decode hooks).
  static func decodeList(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> [String] {
    switch raw {
    case .null: return []
    case .scalar(let text): return split(text, context)
    case .list(let items):
      var result: [String] = []
      for item in items {
        switch item {
        case .null: continue
        case .scalar(let text): if !text.isEmpty { result.append(text) }
        case .list, .map: throw ValueProblem(reason: "an element of the list is not a text")
        }
      }
      return result
    case .map:
      guard context.options.contains(.pem), let path = fileReference(raw) else {
        throw ValueProblem(reason: "a section was found where a list is expected")
      }
      let blocks = certificateBlocks(in: try context.readFile(path))
      guard !blocks.isEmpty else {
        throw ValueProblem(reason: "the file \(path) contains no PEM certificate")
      }
      return blocks
    }
  }

  private static func split(_ text: String, _ context: DecodingContext) -> [String] {
    let inside = SettingText.insideBrackets(text)
    if inside == nil, context.options.contains(.pem) { return text.isEmpty ? [] : [text] }
    return (inside ?? text[...]).split(separator: ",").map { trim($0) }.filter { !$0.isEmpty }
  }

  /// Without blanks around it, and without quotation marks around what is left.
  private static func trim(_ text: Substring) -> String {
    var text = SettingText.withoutBlanks(text)
    if text.count > 1, let quote = text.first, quote == "\"" || quote == "'", text.last == quote {
      text = text.dropFirst().dropLast()
    }
    return String(text)
  }

  /// The PEM blocks of certificates without headers, each with its boundary lines.
  static func certificateBlocks(in text: String) -> [String] {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
    var blocks: [String] = []
    var block: [Substring]?
    for line in text.split(whereSeparator: \.isNewline) {
      if line == begin {
        block = [line]
      } else if line == end, let lines = block {
        if !lines.contains(where: { $0.contains(":") }) {
          blocks.append((lines + [line]).joined(separator: "\n") + "\n")
        }
        block = nil
      } else {
        block?.append(line)
      }
    }
    return blocks
  }

  var renderedElement: String { String(rendered.dropFirst().dropLast()) }
  func resolvedElement(against folder: String) -> String { resolved(against: folder) }
}

extension OrdererConfiguration.PKCS11KeyID: ListElement {
  static func decodeList(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> [Self] {
    let problem = ValueProblem(reason: "a list of pairs of SKI and ID is expected")
    switch raw {
    case .null: return []
    case .list(let items):
      var result: [Self] = []
      for item in items {
        guard case .map(let entries) = item else { throw problem }
        var pair = Self(ski: "", id: "")
        for entry in entries {
          guard case .scalar(let text) = entry.value else { throw problem }
          switch entry.key.lowercased() {
          case "ski": pair.ski = text
          case "id": pair.id = text
          default: throw problem
          }
        }
        result.append(pair)
      }
      return result
    case .scalar, .map: throw problem
    }
  }

  var renderedElement: String { "{\(ski) \(id)}" }
  func resolvedElement(against folder: String) -> Self { self }
}
