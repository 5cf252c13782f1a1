// Edits configs, and computes the updates that bring such an edit about.

import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import SwiftProtobuf

/// What config values and config policies have in common.
package protocol ConfigLeaf: Equatable {
  var version: UInt64 { get set }
  init()
}
extension Common_ConfigValue: ConfigLeaf {}
extension Common_ConfigPolicy: ConfigLeaf {}

extension Common_ConfigGroup {
  /// Changes a protobuf value of the group.
  package mutating func edit<Value: Message>(
    _ name: String, as type: Value.Type, _ change: (inout Value) throws -> Void
  ) throws {
    var value = try Value(serializedBytes: values[name]?.value ?? Data())
    try change(&value)
    if values[name] == nil { values[name, default: Common_ConfigValue()].modPolicy = "Admins" }
    values[name]?.value = try value.serializedData()
  }

  /// Access to a group below, created where it does not exist.
  package subscript(group name: String) -> Common_ConfigGroup {
    get { groups[name] ?? Common_ConfigGroup() }
    set { groups[name] = newValue }
  }

  package mutating func editConsensus(_ change: (inout Orderer_ConsensusType) -> Void) throws {
    try self[group: "Orderer"].edit("ConsensusType", as: Orderer_ConsensusType.self, change)
  }

  package mutating func editBatchSize(_ change: (inout Orderer_BatchSize) -> Void) throws {
    try self[group: "Orderer"].edit("BatchSize", as: Orderer_BatchSize.self, change)
  }
}

extension Block {
  /// This genesis block as that of a channel with another name, and with another configuration.
  package func edited(
    channelID: String, _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws -> Block {
    var envelope = try Common_Envelope(serializedBytes: data[0])
    var payload = try Common_Payload(serializedBytes: envelope.payload)
    var header = try Common_ChannelHeader(serializedBytes: payload.header.channelHeader)
    var config = try Common_ConfigEnvelope(serializedBytes: payload.data)
    header.channelID = channelID
    try edit(&config.config.channelGroup)
    payload.header.channelHeader = try header.serializedData()
    payload.data = try config.serializedData()
    envelope.payload = try payload.serializedData()
    var block = self
    block.data = [try envelope.serializedBytes()]
    block.header.dataHash = SHA256Digest.hash(block.data[0])
    return block
  }
}

/// Computes updates as clients do.
package enum ConfigDelta {
  /// The update that applies `edit` to the bundle's config.
  package static func update(
    _ bundle: ConfigBundle, _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws -> Common_ConfigUpdate {
    var edited = bundle.config.channelGroup
    try edit(&edited)
    let (read, write, _) = delta(bundle.config.channelGroup, edited)
    var update = Common_ConfigUpdate()
    update.channelID = bundle.channelID
    update.readSet = read
    update.writeSet = write
    return update
  }

  private static func delta(
    _ old: Common_ConfigGroup, _ new: Common_ConfigGroup
  ) -> (read: Common_ConfigGroup, write: Common_ConfigGroup, changed: Bool) {
    var read = Common_ConfigGroup()
    read.version = old.version
    var write = read
    let membersChanged =
      old.modPolicy != new.modPolicy || Set(old.values.keys) != Set(new.values.keys)
      || Set(old.policies.keys) != Set(new.policies.keys)
      || Set(old.groups.keys) != Set(new.groups.keys)
    var changed = membersChanged
    if leaves(old.values, new.values, membersChanged, &read.values, &write.values) {
      changed = true
    }
    if leaves(old.policies, new.policies, membersChanged, &read.policies, &write.policies) {
      changed = true
    }
    for (name, group) in new.groups {
      guard let before = old.groups[name] else {
        write.groups[name] = group
        continue
      }
      let part = delta(before, group)
      if part.changed || membersChanged {
        read.groups[name] = part.read
        write.groups[name] = part.write
      }
      changed = changed || part.changed
    }
    if membersChanged {
      write.version = old.version + 1
      write.modPolicy = new.modPolicy
    }
    return (read, write, changed)
  }

  private static func leaves<Leaf: ConfigLeaf>(
    _ old: [String: Leaf], _ new: [String: Leaf], _ membersChanged: Bool,
    _ read: inout [String: Leaf], _ write: inout [String: Leaf]
  ) -> Bool {
    var changed = false
    for (name, leaf) in new {
      guard let before = old[name] else {
        write[name] = leaf
        continue
      }
      if before != leaf {
        var next = leaf
        next.version = before.version + 1
        write[name] = next
        changed = true
      } else if membersChanged {
        var unchanged = Leaf()
        unchanged.version = before.version
        read[name] = unchanged
        write[name] = unchanged
      }
    }
    return changed
  }
}
