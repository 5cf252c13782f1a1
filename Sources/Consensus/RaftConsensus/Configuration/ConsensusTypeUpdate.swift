// Whether a config block touches the consensus of its channel, as nodes have to agree on it.

import ChannelConfig
import FabricProtos
import Ordering

/// What the update in a config block does to the value `ConsensusType`.
///
/// The update decides, not the resulting configuration: an update that writes the same value again counts
/// as one that touches it (Fabric: `MetadataFromConfigUpdate`). The raft index in the block's metadata
/// depends on this, so every node must answer it alike.
package enum ConsensusTypeUpdate: Sendable, Equatable {
  /// It leaves the value alone.
  case untouched
  /// It writes the value: these are the consenters and options from here on.
  case written(RaftConfig)
  /// It gives the channel to another consensus type, the name of which this is.
  case migrated(to: String)

  /// - Parameter message: The CONFIG message in the block.
  /// - Throws: `ChannelFault` if the message cannot be read, which no config block with a number above 0
  ///   can be.
  package init(in message: EnvelopeView) throws(ChannelFault) {
    let update: Common_ConfigUpdate
    let value: Common_ConfigValue?
    do {
      let config = try Common_ConfigEnvelope(serializedBytes: Array(message.data))
      let payload = try Common_Payload(serializedBytes: config.lastUpdate.payload)
      let signed = try Common_ConfigUpdateEnvelope(serializedBytes: payload.data)
      update = try Common_ConfigUpdate(serializedBytes: signed.configUpdate)
      value = Self.value(in: update.writeSet)
    } catch {
      throw ChannelFault("the update in a config block cannot be read: \(error)")
    }
    let read = Self.value(in: update.readSet)?.version ?? 0
    guard let value, value.version != read else {
      self = .untouched
      return
    }
    do {
      let consensus = try Orderer_ConsensusType(serializedBytes: value.value)
      guard consensus.type == RaftConfig.type else {
        self = .migrated(to: consensus.type)
        return
      }
      self = .written(try RaftConfig(serialized: Array(consensus.metadata)))
    } catch {
      throw ChannelFault("the consensus metadata in a config block cannot be read: \(error)")
    }
  }

  private static func value(in set: Common_ConfigGroup) -> Common_ConfigValue? {
    set.groups["Orderer"]?.values["ConsensusType"]
  }
}
