// A part of a YAML document, read as a whole.

/// The values of a document as far as they are known without their types.
///
/// Keys keep their spelling, scalars their text. Aliases and merges have been replaced by what they
/// stand for, which the walk's budget bounds.
package indirect enum SettingTree: Sendable, Equatable {
  /// One entry of a mapping.
  package struct Entry: Sendable, Equatable {
    package var key: String
    package var value: SettingTree
    /// Counted from 1.
    package var line: Int

    package init(key: String, value: SettingTree, line: Int) {
      self.key = key
      self.value = value
      self.line = line
    }
  }

  case null
  case scalar(String)
  case list([SettingTree])
  case map([Entry])
}

extension YAMLSetting {
  /// The entries of a mapping with everything below them.
  package func entries() throws(SettingProblem) -> [SettingTree.Entry] {
    var entries: [SettingTree.Entry] = []
    for (name, setting) in try namedEntries() {
      entries.append(
        SettingTree.Entry(key: name, value: try setting.tree(), line: setting.line ?? 0))
    }
    return entries
  }

  private func tree() throws(SettingProblem) -> SettingTree {
    guard let node else { return .null }
    if let scalar = node.scalar { return .scalar(scalar.string) }
    if node.mapping != nil { return .map(try entries()) }
    var items: [SettingTree] = []
    for element in try elements() ?? [] { items.append(try element.tree()) }
    return .list(items)
  }
}
