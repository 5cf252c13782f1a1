// Reading the values of a config group as the messages they must be.

import FabricProtos
import SwiftProtobuf

/// The values of one config group, whose keys must all be known. Fabric:
/// `DeserializeProtoValuesFromGroup`.
struct GroupValues {
  private let group: Common_ConfigGroup
  private let path: String

  /// Takes the values of `group`.
  ///
  /// - Throws: ``ConfigError`` if there is a value that is not one of `keys`.
  init(_ group: Common_ConfigGroup, path: String, allowing keys: Set<String>) throws(ConfigError) {
    self.group = group
    self.path = path
    if let unexpected = group.values.keys.filter({ !keys.contains($0) }).min() {
      throw ConfigError(
        .invalid, "failed to deserialize values of \(path): Unexpected key \(unexpected)")
    }
  }

  /// Whether there is a value of that key.
  func has(_ key: String) -> Bool { group.values[key] != nil }

  /// The message at `key`, or an empty one if there is no such value.
  ///
  /// - Throws: ``ConfigError`` if the value is not such a message.
  func read<M: Message>(_ type: M.Type, _ key: String) throws(ConfigError) -> M {
    guard let value = group.values[key] else { return M() }
    do { return try M(serializedBytes: value.value) } catch {
      throw ConfigError(
        .malformed,
        "failed to deserialize values of \(path): \(key) is no valid \(M.protoMessageName): "
          + "\(error)")
    }
  }

  /// The names of the capabilities at this level.
  func capabilities() throws(ConfigError) -> Set<String> {
    Set(try readMap(Common_Capabilities.self, ConfigKey.capabilities).capabilities.keys)
  }

  /// As ``read(_:_:)`` for a message whose only field is a map.
  func readMap<M: Message>(_ type: M.Type, _ key: String) throws(ConfigError) -> M {
    if let value = group.values[key] {
      try MapEntryCheck.map(value.value, "\(key) of \(path)")
    }
    return try read(type, key)
  }
}

extension Common_ConfigGroup {
  /// The groups below, sorted by name, so that the same one of several errors is always reported.
  var sortedGroups: [(key: String, value: Common_ConfigGroup)] {
    groups.sorted { $0.key < $1.key }
  }

  /// Checks that the tree is within the bounds on depth and size. Everything that recurses over a
  /// config relies on this check.
  ///
  /// - Throws: ``ConfigError`` of kind tooLarge.
  func checkBounds() throws(ConfigError) {
    var elements = 0
    try checkBounds(depth: 0, elements: &elements)
  }

  /// The message about a config with too many elements.
  static var tooManyElements: ConfigError {
    ConfigError(
      .tooLarge,
      "the config has more than \(ConfigBundle.maximumElements) groups, values and policies")
  }

  private func checkBounds(depth: Int, elements: inout Int) throws(ConfigError) {
    guard depth < ConfigBundle.maximumDepth else {
      throw ConfigError(
        .tooLarge, "config groups nest deeper than \(ConfigBundle.maximumDepth) levels")
    }
    elements += 1 + values.count + policies.count
    guard elements <= ConfigBundle.maximumElements else { throw Self.tooManyElements }
    for group in groups.values { try group.checkBounds(depth: depth + 1, elements: &elements) }
  }
}
