// The typed values of settings, read with the leniency of Fabric's tools (numbers as text, single
// values for lists) and with errors that name the place.

import GoText

extension YAMLSetting {
  /// The text of a scalar or of its override; nil if absent.
  package func string() throws(SettingProblem) -> String? {
    if let override = walk.override(key) { return override }
    guard let node else { return nil }
    guard let scalar = node.scalar else {
      throw problem(.invalidValue, "must be a single value, not a list or a group")
    }
    return scalar.string
  }

  /// As ``string()``, for settings that must have a value.
  package func requiredString(_ explanation: String) throws(SettingProblem) -> String {
    guard let value = try string(), !value.isEmpty else {
      throw problem(.missingSetting, explanation)
    }
    return value
  }

  /// A path, relative to the folder of the file if it is not absolute.
  package func path(_ text: String) -> String {
    ConfigurationPath.resolve(text, against: walk.directory)
  }

  /// A list of texts; nil if absent. `[a, b]` within a text counts as a list.
  package func strings() throws(SettingProblem) -> [String]? {
    if let override = walk.override(key) { return Self.list(in: override) }
    guard let node else { return nil }
    if let scalar = node.scalar { return Self.list(in: scalar.string) }
    var result: [String] = []
    for element in try elements() ?? [] {
      guard let scalar = element.node?.scalar else {
        throw element.problem(.invalidValue, "must be a single value")
      }
      result.append(scalar.string)
    }
    return result
  }

  private static func list(in text: String) -> [String] {
    guard let inner = SettingText.insideBrackets(text) else { return [text] }
    return inner.split(separator: ",", omittingEmptySubsequences: false)
      .map { String(SettingText.withoutBlanks($0)) }
  }

  /// A 32-bit number or byte size; zero if absent.
  package func byteSize() throws(SettingProblem) -> UInt32 {
    guard let text = try string(), !text.isEmpty else { return 0 }
    do {
      return try SettingText.byteSize(text)
    } catch .malformed {
      throw problem(
        .invalidValue, value: text,
        "is not a size; write a whole number of bytes, or one with the unit KB, MB or GB")
    } catch {
      throw problem(.invalidValue, value: text, "is too large; at most \(UInt32.max)")
    }
  }

  /// A 64-bit number; zero if absent.
  package func number() throws(SettingProblem) -> UInt64 {
    guard let text = try string(), !text.isEmpty else { return 0 }
    do {
      return try GoInteger.unsigned(text)
    } catch {
      throw problem(.invalidValue, value: text, "must be a whole number from 0 to \(UInt64.max)")
    }
  }

  /// A port number from 1 to 65535.
  package func port() throws(SettingProblem) -> UInt32 {
    let value = try number()
    guard let port = UInt32(exactly: value), (1...65535).contains(port) else {
      throw problem(.missingSetting, value: try string(), "needs a port number from 1 to 65535")
    }
    return port
  }

  /// A truth value; false if absent.
  package func bool() throws(SettingProblem) -> Bool {
    guard let text = try string() else { return false }
    guard let value = SettingText.bool(text) else {
      throw problem(.invalidValue, value: text, "must be true or false")
    }
    return value
  }

  /// As ``bool()``, but only in the words of YAML, for files that are read without viper.
  package func yamlBool() throws(SettingProblem) -> Bool {
    guard let text = try string() else { return false }
    guard let value = SettingText.yamlBool(text) else {
      throw problem(.invalidValue, value: text, "must be true or false")
    }
    return value
  }

  /// A duration of at least zero in Go's notation; zero if absent.
  package func duration() throws(SettingProblem) -> GoDuration {
    guard let text = try string(), !text.isEmpty else { return GoDuration(nanoseconds: 0) }
    guard let duration = try? GoDuration(text), duration.nanoseconds >= 0 else {
      throw problem(
        .invalidValue, value: text,
        "is not a duration; write a number with a unit, such as 500ms, 2s or 1m30s")
    }
    return duration
  }
}
