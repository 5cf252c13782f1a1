// Typed access to one place of a configtx.yaml, with the leniency of Fabric's tools (numbers as text,
// single values for lists) and errors that name the place.

import GoText
import Yams

/// A setting that may be absent: its YAML node, its path and the shared context.
struct Setting {
  let context: ReadingContext
  /// Dotted path below the profile; empty for the profile itself.
  let key: String
  /// The YAML value; nil if absent or null.
  let node: Node?
  let line: Int?
  let depth: Int

  init(context: ReadingContext, key: String, node: Node?, line: Int?, depth: Int) {
    self.context = context
    self.key = key
    self.node = node.flatMap { $0.isNull ? nil : $0 }
    self.line = line ?? node?.mark?.line
    self.depth = depth
  }

  /// Whether the file has a value here.
  var isPresent: Bool { node != nil }

  func error(
    _ kind: GenesisError.Kind, value: String? = nil, _ explanation: String
  ) -> GenesisError {
    context.error(kind, key: key.isEmpty ? nil : key, value: value, line: line, explanation)
  }

  // MARK: Structure

  /// The settings of a mapping whose keys are fixed. Keys match in any case.
  ///
  /// - Throws: ``GenesisError`` for a key that is not `known`, or that appears in two spellings.
  func fields(_ known: [String], ignored: [String] = []) throws(GenesisError) -> SettingFields {
    let entries = try mapping()
    var fields: [String: Setting] = [:]
    for name in entries.names {
      guard let entry = entries[name] else { continue }
      let setting = child(name, entry.node, entry.line)
      let lowercase = name.lowercased()
      if ignored.contains(where: { $0.lowercased() == lowercase }) { continue }
      guard let spelling = known.first(where: { $0.lowercased() == lowercase }) else {
        throw setting.error(
          .unknownSetting, "there is no such setting; known here: \(known.joined(separator: ", "))")
      }
      if fields[lowercase] != nil {
        throw setting.error(.invalidValue, "set twice, in different spellings of \(spelling)")
      }
      fields[lowercase] = child(spelling, entry.node, entry.line)
    }
    return SettingFields(parent: self, fields: fields)
  }

  /// The entries of a mapping whose keys are names, in file order; empty if absent.
  func namedEntries() throws(GenesisError) -> [(name: String, setting: Setting)] {
    let entries = try mapping()
    return entries.names.map { name in
      let entry = entries[name]
      return (name, child(name, entry?.node, entry?.line))
    }
  }

  /// The elements of a list; nil if absent. A single value counts as a list of one.
  func elements() throws(GenesisError) -> [Setting]? {
    guard let node else { return nil }
    guard let sequence = node.sequence else {
      if node.mapping?.isEmpty == true { return [] }
      return [self]
    }
    var result: [Setting] = []
    for (index, element) in sequence.enumerated() {
      try context.visit(key, depth: depth, line: element.mark?.line)
      result.append(
        Setting(
          context: context, key: "\(key)[\(index)]", node: element, line: nil, depth: depth + 1))
    }
    return result
  }

  private func mapping() throws(GenesisError) -> MergedEntries {
    guard let node else { return MergedEntries() }
    guard let mapping = node.mapping else {
      throw error(.invalidValue, value: node.scalar?.string, "must be a group of settings")
    }
    return try context.mergedEntries(of: mapping, key: key, depth: depth)
  }

  fileprivate func child(_ name: String, _ node: Node?, _ line: Int?) -> Setting {
    Setting(
      context: context, key: key.isEmpty ? name : "\(key).\(name)", node: node, line: line,
      depth: depth + 1)
  }

  // MARK: Values

  /// The text of a scalar or of its environment override; nil if absent.
  func string() throws(GenesisError) -> String? {
    if let override = context.override(for: key) { return override }
    guard let node else { return nil }
    guard let scalar = node.scalar else {
      throw error(.invalidValue, "must be a single value, not a list or a group")
    }
    return scalar.string
  }

  /// As ``string()``, for settings that must have a value.
  func requiredString(_ explanation: String) throws(GenesisError) -> String {
    guard let value = try string(), !value.isEmpty else {
      throw error(.missingSetting, explanation)
    }
    return value
  }

  /// A list of texts; nil if absent. `[a, b]` within a text counts as a list.
  func strings() throws(GenesisError) -> [String]? {
    if let override = context.override(for: key) { return Self.list(in: override) }
    guard let node else { return nil }
    if let scalar = node.scalar { return Self.list(in: scalar.string) }
    var result: [String] = []
    for element in try elements() ?? [] {
      guard let scalar = element.node?.scalar else {
        throw element.error(.invalidValue, "must be a single value")
      }
      result.append(scalar.string)
    }
    return result
  }

  private static func list(in text: String) -> [String] {
    guard text.count > 1, text.first == "[", text.last == "]" else { return [text] }
    return text.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
      .map { part in
        let start = part.drop { $0.isWhitespace }
        let blanks = start.reversed().prefix { $0.isWhitespace }.count
        return String(start.dropLast(blanks))
      }
  }

  /// A 32-bit number or byte size; zero if absent.
  func byteSize() throws(GenesisError) -> UInt32 {
    guard let text = try string(), !text.isEmpty else { return 0 }
    do {
      return try Self.byteSize(of: text)
    } catch .malformed {
      throw error(
        .invalidValue, value: text,
        "is no size; write a whole number of bytes, or one with the unit KB, MB or GB")
    } catch {
      throw self.error(.invalidValue, value: text, "is too large; at most \(UInt32.max)")
    }
  }

  /// A 32-bit number in one of Go's notations, or one with a unit.
  static func byteSize(of text: String) throws(GoInteger.Failure) -> UInt32 {
    var size = try ByteSize.parse(text)
    if size == nil { size = try GoInteger.unsigned(text) }
    guard let size, let result = UInt32(exactly: size) else { throw .tooLarge }
    return result
  }

  /// A 64-bit number; zero if absent.
  func number() throws(GenesisError) -> UInt64 {
    guard let text = try string(), !text.isEmpty else { return 0 }
    do {
      return try GoInteger.unsigned(text)
    } catch {
      throw self.error(
        .invalidValue, value: text, "must be a whole number from 0 to \(UInt64.max)")
    }
  }

  /// A port number from 1 to 65535.
  func port() throws(GenesisError) -> UInt32 {
    let value = try number()
    guard let port = UInt32(exactly: value), (1...65535).contains(port) else {
      throw error(
        .missingSetting, value: try string(), "needs a port number from 1 to 65535")
    }
    return port
  }

  /// A truth value; false if absent.
  func bool() throws(GenesisError) -> Bool {
    guard let text = try string() else { return false }
    switch text.lowercased() {
    case "true", "t", "yes", "y", "on", "1": return true
    case "false", "f", "no", "n", "off", "0", "": return false
    default: throw error(.invalidValue, value: text, "must be true or false")
    }
  }

  /// A duration of at least zero in Go's notation; zero if absent.
  func duration() throws(GenesisError) -> GoDuration {
    guard let text = try string(), !text.isEmpty else { return GoDuration(nanoseconds: 0) }
    guard let duration = try? GoDuration(text), duration.nanoseconds >= 0 else {
      throw error(
        .invalidValue, value: text,
        "is no duration; write a number with a unit, such as 500ms, 2s or 1m30s")
    }
    return duration
  }
}

/// The fields of a mapping with fixed keys.
struct SettingFields {
  fileprivate let parent: Setting
  fileprivate let fields: [String: Setting]

  /// The setting of that name, in the spelling of Fabric's samples; may be absent.
  subscript(_ name: String) -> Setting {
    fields[name.lowercased()] ?? parent.child(name, nil, parent.line)
  }
}

extension Node {
  /// Whether this is YAML's null: `~`, `null` or nothing at all, without quotes.
  fileprivate var isNull: Bool {
    guard let scalar, scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }
}
