// What all settings of one document share while they are read: the budget that bounds the walk over a
// YAML tree full of aliases, overrides, and warnings.

import Yams

/// The state of reading one document, or one part of it. Lives for one call, on one task.
package final class SettingWalk {
  /// Levels of nesting, counting merges.
  package static let maximumDepth = 32
  /// Warnings that are kept.
  static let maximumWarnings = 100

  /// Where relative paths begin.
  let directory: String
  /// The text that replaces the setting with a dotted key; nil if none does.
  let override: (String) -> String?
  /// What is unusual but accepted.
  package private(set) var warnings: [SettingProblem] = []
  private let maximumNodes: Int
  private var remainingNodes: Int

  /// - Parameters:
  ///   - directory: Where relative paths begin.
  ///   - maximumNodes: YAML nodes that may be visited, counting every use of an alias; the profiles
  ///     of a large real configtx.yaml have a few thousand each.
  ///   - override: The text that replaces the setting with a dotted key; nil if none does.
  package init(
    directory: String = "", maximumNodes: Int = 200_000,
    override: @escaping (String) -> String? = { _ in nil }
  ) {
    self.directory = directory
    self.maximumNodes = maximumNodes
    self.override = override
    remainingNodes = maximumNodes
  }

  /// The settings of the whole document.
  package func root(of document: YAMLDocument) -> YAMLSetting {
    YAMLSetting(walk: self, key: "", node: document.root, line: nil, depth: 0)
  }

  /// Remembers a warning.
  package func warn(_ key: String, line: Int? = nil, _ text: String) {
    // Aliases can repeat one remark many times.
    let warning = SettingProblem(.invalidValue, key: key, line: line, text)
    if warnings.count < Self.maximumWarnings && !warnings.contains(warning) {
      warnings.append(warning)
    }
  }

  /// Counts one visited node.
  func visit(_ key: String, depth: Int, line: Int?) throws(SettingProblem) {
    remainingNodes -= 1
    let key = key.isEmpty ? nil : key
    if remainingNodes < 0 {
      throw SettingProblem(
        .malformedYAML, key: key, line: line,
        "there are more than \(maximumNodes) values, to which aliases (*name) expand")
    }
    if depth > Self.maximumDepth {
      throw SettingProblem(
        .malformedYAML, key: key, line: line, "nested deeper than \(Self.maximumDepth) levels")
    }
  }

  /// The entries of a mapping with its merges (`<<: *name`) applied.
  ///
  /// Like the YAML library of the Go implementation, and unlike the YAML specification, a merge
  /// overrides what stands *before* it in the mapping, so the same text has the same meaning. Such
  /// an override causes a warning. Of several merged mappings in a list the first wins.
  func mergedEntries(
    of mapping: Node.Mapping, key: String, depth: Int
  ) throws(SettingProblem) -> MergedEntries {
    var result = MergedEntries()
    var explicit: [String: String?] = [:]
    for (keyNode, value) in mapping {
      let line = keyNode.mark?.line
      try visit(key, depth: depth, line: line)
      guard let scalar = keyNode.scalar else {
        throw SettingProblem(.malformedYAML, key: key, line: line, "only plain names can be keys")
      }
      guard MergeKey.matches(scalar) else {
        result.set(scalar.string, value, line)
        explicit[scalar.string] = value.scalar?.string
        continue
      }
      for source in try mergeSources(value, key: key, line: line) {
        let merged = try mergedEntries(of: source, key: key, depth: depth + 1)
        for name in merged.names {
          guard let entry = merged[name] else { continue }
          if let before = explicit[name], before == nil || before != entry.node.scalar?.string {
            warn(
              "\(key.isEmpty ? "" : key + ".")\(name)", line: line,
              "the merge \"<<\" further down replaces this value, as it does for Fabric;"
                + " put the merge first to keep it")
          }
          result.set(name, entry.node, entry.line)
        }
      }
    }
    return result
  }

  private func mergeSources(
    _ value: Node, key: String, line: Int?
  ) throws(SettingProblem) -> [Node.Mapping] {
    if let mapping = value.mapping { return [mapping] }
    var sources: [Node.Mapping] = []
    for element in value.sequence ?? [] {
      try visit(key, depth: 0, line: line)
      guard let mapping = element.mapping else { break }
      sources.append(mapping)
    }
    guard let count = value.sequence?.count, count == sources.count else {
      throw SettingProblem(
        .malformedYAML, key: key, line: line,
        "\"<<\" needs a mapping or a list of mappings, usually an alias such as *OrdererDefaults")
    }
    return sources.reversed()
  }
}

/// The entries of a mapping after merging, in the order of their first appearance.
struct MergedEntries {
  private(set) var names: [String] = []
  private var entries: [String: (node: Node, line: Int?)] = [:]

  subscript(name: String) -> (node: Node, line: Int?)? { entries[name] }

  mutating func set(_ name: String, _ node: Node, _ line: Int?) {
    if entries.updateValue((node, line), forKey: name) == nil { names.append(name) }
  }
}
