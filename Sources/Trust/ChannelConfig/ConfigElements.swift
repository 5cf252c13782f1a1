// A config tree as a flat map from paths to elements, and back. Fabric: configtx/configmap.

import FabricProtos

/// A group, value or policy of a config tree.
enum ConfigElement: Sendable {
  case group(Common_ConfigGroup)
  case value(Common_ConfigValue)
  case policy(Common_ConfigPolicy)

  var version: UInt64 {
    switch self {
    case .group(let group): group.version
    case .value(let value): value.version
    case .policy(let policy): policy.version
    }
  }

  var modPolicy: String {
    switch self {
    case .group(let group): group.modPolicy
    case .value(let value): value.modPolicy
    case .policy(let policy): policy.modPolicy
    }
  }
}

/// The elements of a config tree by path.
struct ConfigElements: Sendable {
  /// An element and the groups it is in.
  struct Entry: Sendable {
    let element: ConfigElement
    /// The names of the groups from below the root down to the one that contains the element, or
    /// down to the element itself if it is a group.
    let groups: [String]
  }

  /// Keys read like Fabric's, since they appear in errors: "[Value]  /Channel/Orderer/BatchSize".
  var entries: [String: Entry] = [:]

  private static let rootPath = "/" + ConfigKey.channel
  private static let ordererCapabilities = value(rootPath + "/Orderer/Capabilities")
  /// What elements without a mod policy get, see ``group()``.
  private static let repairedModPolicy = "Admins"

  private static func group(_ path: String) -> String { "[Group]  " + path }
  private static func value(_ path: String) -> String { "[Value]  " + path }
  private static func policy(_ path: String) -> String { "[Policy] " + path }

  /// No elements.
  init() {}

  /// Flattens the tree below and including `root`, whose size is checked here.
  ///
  /// - Throws: ``ConfigError`` for a name that no element may have, or a tree too deep or too large.
  init(_ root: Common_ConfigGroup) throws(ConfigError) {
    try root.checkBounds()
    try add(root, path: Self.rootPath, groups: [])
  }

  private mutating func add(
    _ group: Common_ConfigGroup, path: String, groups: [String]
  ) throws(ConfigError) {
    entries[Self.group(path)] = Entry(element: .group(group), groups: groups)
    for (name, child) in group.groups {
      try Self.check(name, Self.group(path))
      try add(child, path: "\(path)/\(name)", groups: groups + [name])
    }
    for (name, value) in group.values {
      try Self.check(name, Self.value(path))
      entries[Self.value("\(path)/\(name)")] = Entry(element: .value(value), groups: groups)
    }
    for (name, policy) in group.policies {
      try Self.check(name, Self.policy(path))
      entries[Self.policy("\(path)/\(name)")] = Entry(element: .policy(policy), groups: groups)
    }
  }

  private static func check(_ name: String, _ parent: String) throws(ConfigError) {
    do { try ConfigNames.validateConfigID(name) } catch {
      throw error.during("illegal characters in key: \(parent)")
    }
  }

  /// Puts the tree together again. Each group says which elements it has; elements that no group lists
  /// are dropped.
  ///
  /// Channels that were created by v1.0 have elements that can never be modified, as their mod
  /// policy is empty. Once the orderer group has capabilities, these elements get a mod policy.
  ///
  /// - Throws: ``ConfigError`` if a group lists an element that is not there.
  func group() throws(ConfigError) -> Common_ConfigGroup {
    try group(path: Self.rootPath, repairing: entries[Self.ordererCapabilities] != nil)
  }

  private func group(path: String, repairing: Bool) throws(ConfigError) -> Common_ConfigGroup {
    let key = Self.group(path)
    guard case .group(var group) = entries[key]?.element else {
      throw ConfigError(.invalid, "missing group at path: \(key)")
    }
    for name in group.groups.keys {
      group.groups[name] = try self.group(path: "\(path)/\(name)", repairing: repairing)
    }
    for name in group.values.keys {
      let key = Self.value("\(path)/\(name)")
      guard case .value(var value) = entries[key]?.element else {
        throw ConfigError(.invalid, "missing value at path: \(key)")
      }
      if repairing, value.modPolicy.isEmpty { value.modPolicy = Self.repairedModPolicy }
      group.values[name] = value
    }
    for name in group.policies.keys {
      let key = Self.policy("\(path)/\(name)")
      guard case .policy(var policy) = entries[key]?.element else {
        throw ConfigError(.invalid, "missing policy at path: \(key)")
      }
      if repairing, policy.modPolicy.isEmpty { policy.modPolicy = Self.repairedModPolicy }
      group.policies[name] = policy
    }
    if repairing, group.modPolicy.isEmpty { group.modPolicy = Self.repairedModPolicy }
    return group
  }
}
