// What can be wrong with a setting, and where.

/// Why a setting, or the document that it stands in, cannot be used.
///
/// The reader of the document knows the file, and puts its name in front.
package struct SettingProblem: Error, Equatable, Sendable {
  /// The kind of fault, for callers and tests that must tell them apart.
  package enum Kind: Sendable, Equatable {
    /// The text is not acceptable YAML, or expands beyond its bounds.
    case malformedYAML
    /// A setting that does not exist.
    case unknownSetting
    /// A required setting is absent.
    case missingSetting
    /// A setting has a value that cannot be used.
    case invalidValue
  }

  package var kind: Kind
  /// The setting as a dotted path, e.g. `Orderer.BatchSize`; nil if the whole document is meant.
  package var key: String?
  /// The offending value, if there is one.
  package var value: String?
  /// Counted from 1, where known.
  package var line: Int?
  /// What is wrong and what to do.
  package var explanation: String

  package init(
    _ kind: Kind, key: String? = nil, value: String? = nil, line: Int? = nil, _ explanation: String
  ) {
    self.kind = kind
    self.key = key
    self.value = value
    self.line = line
    self.explanation = explanation
  }

  /// The problem without the file: `line 7: General.TLS: …`.
  package var reason: String {
    (line.map { "line \($0): " } ?? "") + (key.map { "\($0): " } ?? "") + explanation
  }
}
