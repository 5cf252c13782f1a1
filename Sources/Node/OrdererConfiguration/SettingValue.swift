// How the text of a setting becomes a value of its type, and how the value is shown.

import GoText
import YAMLSettings

/// Why a raw value does not fit a setting's type; completes "General.ListenPort: …".
struct ValueProblem: Error {
  var reason: String
}

/// What is special about a setting.
struct SettingOptions: OptionSet, Sendable {
  let rawValue: Int

  /// A path, or paths, relative to the configuration folder.
  static let path = SettingOptions(rawValue: 1)
  /// PEM text, or a list of PEM texts: not to be split at commas, may be read from a file.
  static let pem = SettingOptions(rawValue: 2)
  /// Never shown, neither in the log nor in errors.
  static let secret = SettingOptions(rawValue: 4)
  /// Numbers below zero have a meaning.
  static let negative = SettingOptions(rawValue: 8)
  /// May be written with a unit, as in `1 MB`.
  static let byteSize = SettingOptions(rawValue: 16)
}

/// What decoding needs to know beyond the raw value.
struct DecodingContext {
  var options: SettingOptions
  /// Reads a file that stands in for a value.
  var readFile: (String) throws(ValueProblem) -> String

  /// The value as errors may show it.
  func shown(_ text: String) -> String {
    if options.contains(.secret) { return "the value" }
    return "\"\(text.count > 200 ? text.prefix(200) + "…" : text)\""
  }
}

/// A type that settings can have.
protocol SettingValue: Sendable, Equatable {
  static func decode(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> Self
  /// The value as Fabric prints it: texts in quotation marks, the rest plain.
  var rendered: String { get }
  /// Zero or empty, which means that the default holds, as if the setting were missing.
  var isUnset: Bool { get }
  /// The value with relative paths resolved.
  func resolved(against folder: String) -> Self
}

extension SettingValue {
  func resolved(against folder: String) -> Self { self }
}

/// The text of a raw value, for types that are written as one.
private func text(
  _ raw: SettingTree, _ context: DecodingContext, expected: String
) throws(ValueProblem) -> String {
  switch raw {
  case .scalar(let text): return text
  case .null: return ""
  case .list: throw ValueProblem(reason: "a list was found where \(expected) is expected")
  case .map: throw ValueProblem(reason: "a section was found where \(expected) is expected")
  }
}

extension String: SettingValue {
  static func decode(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> String {
    if let path = fileReference(raw) {
      guard !context.options.contains(.path) else {
        throw ValueProblem(reason: "this setting is a path itself; write it without File")
      }
      return try context.readFile(path)
    }
    return try text(raw, context, expected: "a text")
  }

  /// The path in `{File: path}`, nil for any other value.
  static func fileReference(_ raw: SettingTree) -> String? {
    guard case .map(let entries) = raw, entries.count == 1, let entry = entries.first,
      entry.key.lowercased() == "file", case .scalar(let path) = entry.value
    else { return nil }
    return path
  }

  var rendered: String { Quoting.setting(self) }

  var isUnset: Bool { isEmpty }

  func resolved(against folder: String) -> String {
    isEmpty ? self : ConfigurationPath.resolve(self, against: folder)
  }
}

extension Bool: SettingValue {
  static func decode(_ raw: SettingTree, _ context: DecodingContext) throws(ValueProblem) -> Bool {
    let text = try text(raw, context, expected: "true or false")
    guard let value = SettingText.bool(text) else {
      throw ValueProblem(reason: "\(context.shown(text)) is neither true nor false")
    }
    return value
  }

  var rendered: String { description }
  var isUnset: Bool { false }
}

extension Duration: SettingValue {
  static func decode(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> Duration {
    let text = try text(raw, context, expected: "a duration such as 10s or 1h30m")
    if text.isEmpty { return .zero }
    // A number without a unit is nanoseconds, as in Go.
    guard
      let nanoseconds = GoInteger.parse(text) ?? (try? GoDuration(text))?.nanoseconds
    else {
      throw ValueProblem(
        reason: "\(context.shown(text)) is not a duration such as 10s, 250ms or 1h30m")
    }
    guard nanoseconds >= 0 || context.options.contains(.negative) else {
      throw ValueProblem(reason: "\(context.shown(text)) is below zero")
    }
    return .nanoseconds(nanoseconds)
  }

  var rendered: String { GoDuration(self).description }
  var isUnset: Bool { self == .zero }
}

extension Optional: SettingValue where Wrapped == Duration {
  static func decode(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> Duration? {
    let value = try Duration.decode(raw, context)
    return value == .zero ? nil : value
  }

  var rendered: String { map(\.rendered) ?? "" }
  var isUnset: Bool { self == nil }
}

extension Double: SettingValue {
  static func decode(_ raw: SettingTree, _ context: DecodingContext) throws(ValueProblem) -> Double
  {
    let text = try text(raw, context, expected: "a number")
    if text.isEmpty { return 0 }
    guard let value = Double(text), value.isFinite, value >= 0 else {
      throw ValueProblem(reason: "\(context.shown(text)) is not a number from 0 up")
    }
    return value
  }

  var rendered: String {
    let text = description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
  var isUnset: Bool { self == 0 }
}

/// Whole numbers.
protocol IntegerSetting: SettingValue, FixedWidthInteger {}

extension IntegerSetting {
  static func decode(_ raw: SettingTree, _ context: DecodingContext) throws(ValueProblem) -> Self {
    let lowest = context.options.contains(.negative) ? Int64(clamping: min) : 0
    let range = "a whole number from \(lowest) to \(max)"
    let text = try text(raw, context, expected: range)
    if text.isEmpty { return 0 }
    if context.options.contains(.byteSize), let bytes = try? ByteSize.parse(text) {
      guard let value = Self(exactly: bytes) else {
        throw ValueProblem(reason: "\(context.shown(text)) is more than \(max) bytes")
      }
      return value
    }
    guard let number = GoInteger.parse(text), number >= lowest, let value = Self(exactly: number)
    else {
      let units = context.options.contains(.byteSize) ? ", with K, M or G if wanted" : ""
      throw ValueProblem(reason: "\(context.shown(text)) is not \(range)\(units)")
    }
    return value
  }

  var rendered: String { description }
  var isUnset: Bool { self == 0 }
}

extension Int: IntegerSetting {}
extension Int16: IntegerSetting {}
extension Int32: IntegerSetting {}
extension UInt16: IntegerSetting {}
extension UInt32: IntegerSetting {}

extension KafkaVersion: SettingValue {
  static func decode(
    _ raw: SettingTree, _ context: DecodingContext
  ) throws(ValueProblem) -> KafkaVersion {
    let text = try text(raw, context, expected: "a Kafka version such as 0.10.2.0")
    if text.isEmpty { return .standard }
    do {
      return try KafkaVersion(parsing: text)
    } catch {
      switch error {
      case .malformed:
        throw ValueProblem(
          reason: "\(context.shown(text)) is not a Kafka version such as 0.10.2.0 or 2.8.0")
      case .unsupported:
        throw ValueProblem(
          reason: "\(context.shown(text)) is an unsupported Kafka version;"
            + " releases from 0.8.2 on are supported")
      }
    }
  }

  var rendered: String { description }
  var isUnset: Bool { false }
}

/// Settings with a fixed choice of words.
protocol ChoiceSetting: SettingValue, CaseIterable, RawRepresentable where RawValue == String {}

extension ChoiceSetting {
  static func decode(_ raw: SettingTree, _ context: DecodingContext) throws(ValueProblem) -> Self {
    let choices = allCases.map(\.rawValue).joined(separator: ", ")
    let text = try text(raw, context, expected: "one of \(choices)")
    guard let value = Self(rawValue: text) else {
      throw ValueProblem(reason: "\(context.shown(text)) is not one of \(choices)")
    }
    return value
  }

  var rendered: String { rawValue.rendered }
  var isUnset: Bool { false }
}

extension OrdererConfiguration.LedgerType: ChoiceSetting {}
extension OrdererConfiguration.BootstrapMethod: ChoiceSetting {}
extension OrdererConfiguration.ReplicationPolicy: ChoiceSetting {}
extension OrdererConfiguration.SASLMechanism: ChoiceSetting {}
extension OrdererConfiguration.BCCSP.Provider: ChoiceSetting {}
extension OrdererConfiguration.Metrics.Provider: ChoiceSetting {}
