// The update that leads from one config to another. Fabric: configtxlator's update.Compute.

import FabricProtos

/// Computes config updates.
package enum ConfigUpdateBuilder {
  /// The smallest update that leads from `original` to `updated`, apart from versions, which the
  /// update sets itself.
  ///
  /// - Throws: ``ConfigError`` if one of them has no channel group or is too large, or if there is no
  ///   difference.
  package static func compute(
    channelID: String, original: Common_Config, updated: Common_Config
  ) throws(ConfigError) -> Common_ConfigUpdate {
    guard original.hasChannelGroup else {
      throw ConfigError(.malformed, "no channel group included for original config")
    }
    guard updated.hasChannelGroup else {
      throw ConfigError(.malformed, "no channel group included for updated config")
    }
    try original.channelGroup.checkBounds()
    try updated.channelGroup.checkBounds()
    let difference = Difference(original.channelGroup, updated.channelGroup)
    guard difference.isChange else {
      throw ConfigError(
        .invalid, "no differences detected between original and updated config")
    }
    var update = Common_ConfigUpdate()
    update.channelID = channelID
    update.readSet = difference.readSet
    update.writeSet = difference.writeSet
    return update
  }
}

/// The read and write sets that take one group from one state to another.
private struct Difference {
  var readSet = Common_ConfigGroup()
  var writeSet = Common_ConfigGroup()
  private(set) var isChange = false

  /// The members that stay as they are, with their versions.
  private var unchanged = Common_ConfigGroup()

  init(_ original: Common_ConfigGroup, _ updated: Common_ConfigGroup) {
    readSet.version = original.version
    writeSet.version = original.version
    comparePolicies(original, updated)
    compareValues(original, updated)
    compareGroups(original, updated)
    // A group has a new version if its mod policy or its list of members changes. Then its read and
    // write sets must list all members; otherwise only those that change.
    if Self.membersDiffer(original, updated) || original.modPolicy != updated.modPolicy {
      isChange = true
      listUnchangedMembers()
      writeSet.version = original.version &+ 1
      writeSet.modPolicy = updated.modPolicy
    } else {
      isChange =
        !writeSet.policies.isEmpty || !writeSet.values.isEmpty || !writeSet.groups.isEmpty
    }
  }

  private static func membersDiffer(
    _ original: Common_ConfigGroup, _ updated: Common_ConfigGroup
  ) -> Bool {
    Set(original.policies.keys) != Set(updated.policies.keys)
      || Set(original.values.keys) != Set(updated.values.keys)
      || Set(original.groups.keys) != Set(updated.groups.keys)
  }

  private mutating func comparePolicies(
    _ original: Common_ConfigGroup, _ updated: Common_ConfigGroup
  ) {
    for (name, new) in updated.policies {
      var entry = Common_ConfigPolicy()
      if let old = original.policies[name] {
        let same =
          old.modPolicy == new.modPolicy && old.hasPolicy == new.hasPolicy
          && old.policy == new.policy
        if same {
          entry.version = old.version
          unchanged.policies[name] = entry
          continue
        }
        entry.version = old.version &+ 1
      }
      entry.modPolicy = new.modPolicy
      if new.hasPolicy { entry.policy = new.policy }
      writeSet.policies[name] = entry
    }
  }

  private mutating func compareValues(
    _ original: Common_ConfigGroup, _ updated: Common_ConfigGroup
  ) {
    for (name, new) in updated.values {
      var entry = Common_ConfigValue()
      if let old = original.values[name] {
        if old.modPolicy == new.modPolicy, old.value == new.value {
          entry.version = old.version
          unchanged.values[name] = entry
          continue
        }
        entry.version = old.version &+ 1
      }
      entry.modPolicy = new.modPolicy
      entry.value = new.value
      writeSet.values[name] = entry
    }
  }

  private mutating func compareGroups(
    _ original: Common_ConfigGroup, _ updated: Common_ConfigGroup
  ) {
    for (name, new) in updated.groups {
      if let old = original.groups[name] {
        let below = Difference(old, new)
        if below.isChange {
          readSet.groups[name] = below.readSet
          writeSet.groups[name] = below.writeSet
        } else {
          unchanged.groups[name] = below.readSet
        }
      } else {
        var added = Difference(Common_ConfigGroup(), new).writeSet
        added.version = 0
        added.modPolicy = new.modPolicy
        writeSet.groups[name] = added
      }
    }
  }

  private mutating func listUnchangedMembers() {
    for (name, entry) in unchanged.policies {
      readSet.policies[name] = entry
      writeSet.policies[name] = entry
    }
    for (name, entry) in unchanged.values {
      readSet.values[name] = entry
      writeSet.values[name] = entry
    }
    for (name, entry) in unchanged.groups {
      readSet.groups[name] = entry
      writeSet.groups[name] = entry
    }
  }
}
