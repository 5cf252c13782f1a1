// What the readers of one profile share: where errors are reported against, environment overrides,
// warnings, and the budget that bounds the walk over a YAML tree full of aliases.

import Yams

/// The state of reading one profile. Lives for one call, on one task.
final class ReadingContext {
  /// YAML nodes that may be visited; a large real profile visits some thousands.
  static let maximumNodes = 200_000
  /// Levels of nesting, counting merges.
  static let maximumDepth = 32

  let file: String
  let directory: String
  let profile: String?
  let environment: [String: String]
  private(set) var warnings: [String] = []
  private var remainingNodes = maximumNodes

  init(file: String, directory: String, profile: String?, environment: [String: String]) {
    self.file = file
    self.directory = directory
    self.profile = profile
    self.environment = environment
  }

  func error(
    _ kind: GenesisError.Kind, key: String?, value: String? = nil, line: Int? = nil,
    _ explanation: String
  ) -> GenesisError {
    GenesisError(
      kind, file: file, profile: profile, key: key, value: value, line: line, explanation)
  }

  func warn(_ key: String, line: Int? = nil, _ text: String) {
    // Aliases can repeat one remark many times.
    let warning = error(.invalidValue, key: key, line: line, text).description
    if warnings.count < 100 && !warnings.contains(warning) { warnings.append(warning) }
  }

  /// Counts one visited node.
  func visit(_ key: String, depth: Int, line: Int?) throws(GenesisError) {
    remainingNodes -= 1
    if remainingNodes < 0 {
      throw error(
        .malformedYAML, key: key, line: line,
        "aliases (*name) expand this profile beyond \(Self.maximumNodes) settings")
    }
    if depth > Self.maximumDepth {
      throw error(
        .malformedYAML, key: key, line: line, "nested deeper than \(Self.maximumDepth) levels")
    }
  }

  /// The value of an override `CONFIGTX_<KEY>`, with or without `PROFILES_<NAME>_` before the key;
  /// nil if there is none or it is empty (Fabric: 1.4 leaves the profile out, 2.x demands it).
  func override(for key: String) -> String? {
    if environment.isEmpty { return nil }
    let name = key.uppercased().split(separator: ".").joined(separator: "_")
    var candidates = ["CONFIGTX_\(name)"]
    if let profile {
      candidates.append("CONFIGTX_PROFILES_\(profile.uppercased())_\(name)")
    }
    for candidate in candidates {
      if let value = environment[candidate], !value.isEmpty { return value }
    }
    return nil
  }

  /// Resolves a path as Fabric does: relative to the folder of the file.
  func resolve(path: String) -> String {
    if path.hasPrefix("/") { return path }
    return directory.hasSuffix("/") ? directory + path : directory + "/" + path
  }

  /// The entries of a mapping with its merges (`<<: *name`) applied.
  ///
  /// Like the YAML library of the Go tools, and unlike the YAML specification, a merge overrides
  /// what stands *before* it in the mapping; the same text thereby makes the same block. Such an
  /// override is warned about. Of several merged mappings in a list the first wins.
  func mergedEntries(
    of mapping: Node.Mapping, key: String, depth: Int
  ) throws(GenesisError) -> MergedEntries {
    var result = MergedEntries()
    var explicit: [String: String?] = [:]
    for (keyNode, value) in mapping {
      let line = keyNode.mark?.line
      try visit(key, depth: depth, line: line)
      guard let scalar = keyNode.scalar else {
        throw error(.malformedYAML, key: key, line: line, "only plain names can be keys")
      }
      guard scalar.string == "<<", scalar.style == .plain else {
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
              "the merge \"<<\" further down replaces this value, as it does in Fabric's tools;"
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
  ) throws(GenesisError) -> [Node.Mapping] {
    if let mapping = value.mapping { return [mapping] }
    var sources: [Node.Mapping] = []
    for element in value.sequence ?? [] {
      try visit(key, depth: 0, line: line)
      guard let mapping = element.mapping else { break }
      sources.append(mapping)
    }
    guard let count = value.sequence?.count, count == sources.count else {
      throw error(
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
