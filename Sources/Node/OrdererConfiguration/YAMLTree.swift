// A YAML document as a small, bounded tree.

import Yams

/// A node of a YAML document. Keys keep their spelling, scalars their text: what a value means is
/// up to the type of its setting.
indirect enum YAMLTree: Sendable, Equatable {
  struct Entry: Sendable, Equatable {
    var key: String
    var value: YAMLTree
    /// Counted from 1.
    var line: Int
  }

  case null
  case scalar(String)
  case list([YAMLTree])
  case map([Entry])

  /// The bounds of a document. Aliases count with all that they stand for.
  enum Limits {
    static let bytes = 1024 * 1024
    static let depth = 32
    static let nodes = 50_000
    /// So few that even when each stands for others no more than some hundred copies come out.
    static let aliases = 16
  }

  /// Why a text is no usable document.
  struct Problem: Error {
    var reason: String
  }

  /// Parses a document with a mapping at its root.
  static func parseMapping(_ text: String) throws(Problem) -> [Entry] {
    guard aliasCount(text) <= Limits.aliases else {
      throw Problem(reason: "more than \(Limits.aliases) YAML aliases")
    }
    let root: Node?
    do {
      root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
      throw Problem(reason: describe(error))
    } catch {
      throw Problem(reason: "\(error)")
    }
    guard let root else { throw Problem(reason: "it is empty") }
    var remaining = Limits.nodes
    let tree = try convert(root, depth: 0, remaining: &remaining)
    guard case .map(let entries) = tree else {
      throw Problem(reason: "it must be a YAML mapping with sections such as General")
    }
    return entries
  }

  private static func convert(
    _ node: Node, depth: Int, remaining: inout Int
  ) throws(Problem) -> YAMLTree {
    let line = node.mark?.line ?? 0
    guard depth <= Limits.depth else {
      throw Problem(reason: "line \(line): nested deeper than \(Limits.depth) levels")
    }
    remaining -= 1
    guard remaining >= 0 else { throw Problem(reason: "more than \(Limits.nodes) values") }
    switch node {
    case .scalar(let scalar):
      let isNull =
        scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
      return isNull ? .null : .scalar(scalar.string)
    case .sequence(let sequence):
      var items: [YAMLTree] = []
      for item in sequence {
        items.append(try convert(item, depth: depth + 1, remaining: &remaining))
      }
      return .list(items)
    case .mapping(let mapping):
      return .map(try convert(mapping, depth: depth, remaining: &remaining))
    case .alias:
      throw Problem(reason: "line \(line): unresolved alias")
    }
  }

  private static func convert(
    _ mapping: Node.Mapping, depth: Int, remaining: inout Int
  ) throws(Problem) -> [Entry] {
    var entries: [Entry] = []
    var merged: [Entry] = []
    var lines: [String: Int] = [:]
    for (keyNode, valueNode) in mapping {
      let line = keyNode.mark?.line ?? 0
      guard case .scalar(let key) = keyNode else {
        throw Problem(reason: "line \(line): a key must be a plain text")
      }
      let value = try convert(valueNode, depth: depth + 1, remaining: &remaining)
      if key.string == "<<", key.style == .plain {
        merged += try mergeEntries(value, line: line)
        continue
      }
      // Keys are matched without regard to case, so they are duplicates without regard to it, too.
      if let first = lines.updateValue(line, forKey: key.string.lowercased()) {
        throw Problem(reason: "line \(line): the key \(key.string) stands in line \(first) already")
      }
      entries.append(Entry(key: key.string, value: value, line: line))
    }
    for entry in merged where lines.updateValue(0, forKey: entry.key.lowercased()) == nil {
      entries.append(entry)
    }
    return entries
  }

  /// The entries that a merge key (`<<`) brings: those of a mapping or of a list of mappings.
  private static func mergeEntries(_ value: YAMLTree, line: Int) throws(Problem) -> [Entry] {
    switch value {
    case .map(let entries): return entries
    case .list(let items):
      var entries: [Entry] = []
      for item in items { entries += try mergeEntries(item, line: line) }
      return entries
    default: throw Problem(reason: "line \(line): << needs a mapping")
    }
  }

  /// An upper bound of the number of aliases. The parser expands them, and a few lines of aliases
  /// of aliases stand for more than fits into memory, so this has to be known beforehand.
  private static func aliasCount(_ text: String) -> Int {
    var count = 0
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
      let content = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      if content.first == UInt8(ascii: "#") { continue }
      var previous = UInt8(ascii: " ")
      var iterator = content.makeIterator()
      while let byte = iterator.next() {
        if byte == UInt8(ascii: "*"), " \t[]{},:-?!\"'&\r".utf8.contains(previous) { count += 1 }
        previous = byte
      }
    }
    return count
  }

  private static func describe(_ error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "line \(mark.line): it is not YAML: \(problem)"
    case .reader(let problem, _, _, _): "it is not YAML: \(problem)"
    case .duplicatedKeysInMapping(let duplicates, let context):
      "line \(context.mark.line): duplicate key \(duplicates.joined(separator: ", "))"
    default: "it is not YAML"
    }
  }
}
