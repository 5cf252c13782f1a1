// Why a configuration cannot be used, told to the operator who wrote it.

import YAMLSettings

/// Where a setting's value stands.
package enum SettingSource: Sendable, Hashable, CustomStringConvertible {
  /// A line of the configuration file, counted from 1.
  case file(String, line: Int)
  /// A variable of the environment.
  case environment(String)

  package var description: String {
    switch self {
    case .file(let file, let line): "\(file), line \(line)"
    case .environment(let name): "environment variable \(name)"
    }
  }
}

/// One thing that is wrong with one setting.
package struct ConfigurationIssue: Sendable, Hashable, CustomStringConvertible {
  /// The dotted key, for example `General.ListenPort`.
  package var key: String
  /// What is wrong, with the offending value unless it is secret, and what would be right.
  package var problem: String
  /// Nil if the setting is missing.
  package var source: SettingSource?

  package var description: String {
    "\(key): \(problem)" + (source.map { " (\($0))" } ?? "")
  }
}

/// Why loading the configuration failed. All problems of a file are reported together.
package enum ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// None of the folders has an orderer.yaml.
  case noConfigurationFile(searched: [String])
  case unreadableFile(String, reason: String)
  case fileTooLarge(String, bytes: Int, limit: Int)
  /// The file is not a YAML mapping, or uses YAML in a way that is not accepted.
  case malformed(String, reason: String)
  /// Unknown settings, values of the wrong type, settings that contradict each other.
  case invalidSettings([ConfigurationIssue])

  init(_ failure: ConfigurationText.Failure, file: String) {
    switch failure {
    case .unreadable(.tooLarge(_, let bytes, let limit)):
      self = .fileTooLarge(file, bytes: bytes, limit: limit)
    case .unreadable(let error): self = .unreadableFile(file, reason: error.reason)
    case .notText: self = .malformed(file, reason: "it is not a text in UTF-8 or UTF-16")
    }
  }

  package var description: String {
    switch self {
    case .noConfigurationFile(let searched):
      "no configuration file orderer.yaml in \(searched.joined(separator: " or "));"
        + " set FABRIC_CFG_PATH to the folder that holds it"
    case .unreadableFile(let file, let reason):
      "cannot read the configuration file \(file): \(reason)"
    case .fileTooLarge(let file, let bytes, let limit):
      "the configuration file \(file) has \(bytes) bytes, which is more than the \(limit) allowed"
    case .malformed(let file, let reason):
      "the configuration file \(file) is not usable: \(reason)"
    case .invalidSettings(let issues):
      "invalid configuration: " + issues.map(\.description).joined(separator: "; ")
    }
  }
}

/// Something about a usable configuration that its operator should know.
package struct ConfigurationNotice: Sendable, Hashable {
  package enum Severity: Sendable, Hashable { case info, warning }

  package var severity: Severity
  package var message: String
}
