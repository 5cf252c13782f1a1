// One place of a YAML document, and what stands below it.

import Yams

/// A setting that may be absent: its YAML node, its path, and the walk that it belongs to.
package struct YAMLSetting {
  package let walk: SettingWalk
  /// Dotted path; empty where the walk begins.
  package let key: String
  /// The YAML value; nil if absent or null.
  let node: Node?
  package let line: Int?
  let depth: Int

  init(walk: SettingWalk, key: String, node: Node?, line: Int?, depth: Int) {
    self.walk = walk
    self.key = key
    self.node = node.flatMap { $0.isNull ? nil : $0 }
    self.line = line ?? node?.mark?.line
    self.depth = depth
  }

  /// The same place, from which paths are counted.
  package var asBeginning: YAMLSetting {
    YAMLSetting(walk: walk, key: "", node: node, line: line, depth: depth)
  }

  /// Whether the document has a value here.
  package var isPresent: Bool { node != nil }

  /// A problem with this setting.
  package func problem(
    _ kind: SettingProblem.Kind, value: String? = nil, _ explanation: String
  ) -> SettingProblem {
    SettingProblem(
      kind, key: key.isEmpty ? nil : key, value: value, line: line, explanation)
  }

  // MARK: Structure

  /// The settings of a mapping whose keys are fixed. Keys match in any case.
  ///
  /// - Throws: a problem with a key that is not `known`, or that appears in two spellings.
  package func fields(
    _ known: [String], ignored: [String] = []
  ) throws(SettingProblem) -> SettingFields {
    let entries = try mapping()
    var fields: [String: YAMLSetting] = [:]
    for name in entries.names {
      guard let entry = entries[name] else { continue }
      let setting = child(name, entry.node, entry.line)
      let lowercase = name.lowercased()
      if ignored.contains(where: { $0.lowercased() == lowercase }) { continue }
      guard let spelling = known.first(where: { $0.lowercased() == lowercase }) else {
        let hint =
          NearestName.suggestion(for: name, among: known).map { "; did you mean \($0)?" } ?? ""
        throw setting.problem(
          .unknownSetting,
          "there is no such setting\(hint.isEmpty ? ";" : hint) known here:"
            + " \(known.joined(separator: ", "))")
      }
      if fields[lowercase] != nil {
        throw setting.problem(.invalidValue, "set twice, in different spellings of \(spelling)")
      }
      fields[lowercase] = child(spelling, entry.node, entry.line)
    }
    return SettingFields(parent: self, fields: fields)
  }

  /// The entries of a mapping whose keys are names, in the order of the file; empty if absent.
  package func namedEntries() throws(SettingProblem) -> [(name: String, setting: YAMLSetting)] {
    let entries = try mapping()
    return entries.names.map { name in
      let entry = entries[name]
      return (name, child(name, entry?.node, entry?.line))
    }
  }

  /// The elements of a list; nil if absent. A single value counts as a list of one.
  package func elements() throws(SettingProblem) -> [YAMLSetting]? {
    guard let node else { return nil }
    guard let sequence = node.sequence else {
      if node.mapping?.isEmpty == true { return [] }
      return [self]
    }
    var result: [YAMLSetting] = []
    for (index, element) in sequence.enumerated() {
      try walk.visit(key, depth: depth, line: element.mark?.line)
      result.append(
        YAMLSetting(
          walk: walk, key: "\(key)[\(index)]", node: element, line: nil, depth: depth + 1))
    }
    return result
  }

  /// The elements of what must be a list; nil if absent.
  package func list() throws(SettingProblem) -> [YAMLSetting]? {
    guard let node, node.sequence == nil else { return try elements() }
    throw problem(.malformedYAML, "must be a list")
  }

  private func mapping() throws(SettingProblem) -> MergedEntries {
    guard let node else { return MergedEntries() }
    guard let mapping = node.mapping else {
      throw problem(.invalidValue, value: node.scalar?.string, "must be a group of settings")
    }
    return try walk.mergedEntries(of: mapping, key: key, depth: depth)
  }

  fileprivate func child(_ name: String, _ node: Node?, _ line: Int?) -> YAMLSetting {
    YAMLSetting(
      walk: walk, key: key.isEmpty ? name : "\(key).\(name)", node: node, line: line,
      depth: depth + 1)
  }
}

/// The fields of a mapping with fixed keys.
package struct SettingFields {
  fileprivate let parent: YAMLSetting
  fileprivate let fields: [String: YAMLSetting]

  /// The setting of that name, in the spelling of Fabric's samples; may be absent.
  package subscript(_ name: String) -> YAMLSetting {
    fields[name.lowercased()] ?? parent.child(name, nil, parent.line)
  }
}

extension Node {
  /// Whether this is YAML's null: `~`, `null` or nothing at all, without quotes.
  var isNull: Bool {
    guard let scalar, scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }
}
