// What the REST API needs of the node's channels.

import FabricProtos
import Multichannel
import NIOCore

/// The channels of a node, as operators manage them (Fabric: `channelparticipation.ChannelManagement`).
package protocol ChannelManagement: Sendable {
  var channelNames: ChannelNames { get }

  /// What the node is to a channel.
  func info(of channelID: String) throws(ParticipationRefusal) -> ChannelInfo

  /// Joins a channel; returns when that is durable.
  func join(_ join: JoinBlock) async throws(ParticipationRefusal) -> ChannelInfo

  /// Leaves a channel; returns when that is durable.
  func remove(_ channelID: String) async throws(ParticipationRefusal)

  /// Hands in a config update of a channel; returns when it is ordered as safely as the consenter promises.
  func update(
    _ channelID: String, with envelope: EnvelopeView
  ) async throws(ParticipationRefusal) -> ChannelInfo

  /// A block in protobuf wire form.
  func block(
    at place: BlockPlace, of channelID: String
  ) async throws(ParticipationRefusal) -> ByteBuffer
}

extension Registrar: ChannelManagement {}
