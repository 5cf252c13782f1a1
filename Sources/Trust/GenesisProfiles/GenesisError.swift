// What can be wrong with a configtx.yaml, said in terms of the file the operator has to edit.

import YAMLSettings

/// Why a profile, a genesis block or a channel-creation transaction could not be made.
///
/// The description names the file, the profile, the setting and its value, and what to do.
package struct GenesisError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kind of fault, for callers and tests that must tell them apart.
  package enum Kind: Sendable, Equatable {
    /// A file could not be read, or is larger than its bound.
    case unreadableFile
    /// The text is not acceptable YAML, or expands beyond its bounds.
    case malformedYAML
    /// No profile has the requested name.
    case unknownProfile
    /// A setting that does not exist.
    case unknownSetting
    /// A required setting is absent.
    case missingSetting
    /// A setting has a value that cannot be used.
    case invalidValue
    /// An MSP folder could not be turned into an MSP definition.
    case unusableMSP
    /// The profile is sound, but not for what was asked of it.
    case unsuitableProfile
    /// The channel name breaks Fabric's rules.
    case invalidChannelID
    /// A message could not be serialized or signed.
    case encodingFailed
  }

  /// The kind of fault.
  package var kind: Kind
  /// The configtx.yaml in question, as a path or a name.
  package var file: String
  /// The profile that was read, if one was.
  package var profile: String?
  /// The setting at fault as a dotted path below the profile, e.g. `Orderer.BatchSize`.
  package var key: String?
  /// The offending value, if there is one.
  package var value: String?
  /// The line in ``file``, counted from 1, where known.
  package var line: Int?
  /// What is wrong and what to do.
  package var explanation: String

  init(
    _ kind: Kind, file: String, profile: String? = nil, key: String? = nil, value: String? = nil,
    line: Int? = nil, _ explanation: String
  ) {
    self.kind = kind
    self.file = file
    self.profile = profile
    self.key = key
    self.value = value.map { String($0.prefix(200)) }
    self.line = line
    self.explanation = explanation
  }

  /// A problem with a setting of this file.
  init(_ problem: SettingProblem, file: String, profile: String?) {
    let kind: Kind =
      switch problem.kind {
      case .malformedYAML: .malformedYAML
      case .unknownSetting: .unknownSetting
      case .missingSetting: .missingSetting
      case .invalidValue: .invalidValue
      }
    self.init(
      kind, file: file, profile: profile, key: problem.key, value: problem.value,
      line: problem.line, problem.explanation)
  }

  package var description: String {
    var text = file
    if let line { text += ":\(line)" }
    if let profile { text += ": profile \(profile)" }
    if let key { text += ": \(key)" }
    if let value { text += " = \"\(value)\"" }
    return text + ": " + explanation
  }
}
