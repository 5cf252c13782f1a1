// The cluster of a node that reaches no other node.

import ChannelConfig
import FabricProtos
import Ordering
import Replication

/// Stands where connections to other nodes would be: nothing is sent, and no blocks are pulled.
struct LoneNode: ClusterTransport, ChannelSource {
  private static let reason = "this node is not connected to other orderers"

  func connect(
    _ channelID: String, to members: [ClusterMember], for chain: any ClusterChain
  ) {}

  func disconnect(_ channelID: String) {}

  func send(
    _ payload: [ArraySlice<UInt8>], metadata: [UInt8], in channelID: String, to id: UInt64
  ) -> Bool { false }

  func submit(
    _ messages: [OrderedMessage], in channelID: String, to id: UInt64
  ) async throws(ClusterRefusal) { throw ClusterRefusal(Self.reason) }

  func pull(
    _ channelID: String, from first: UInt64, through last: UInt64?, under bundle: ConfigBundle,
    previousHash: [UInt8], take: @Sendable (_ run: [Block]) async throws -> Void
  ) async throws { throw PullFailure.unavailable(Self.reason) }

  func pull(
    behind trust: ChainTrust, through last: UInt64, from endpoints: EndpointChoice,
    take: @Sendable (_ run: [Block]) async throws -> Void
  ) async throws { throw PullFailure.unavailable(Self.reason) }

  func height(of channelID: String, under bundle: ConfigBundle) async throws -> UInt64 {
    throw PullFailure.unavailable(Self.reason)
  }

  func newestConfigBlock(
    of channelID: String, under bundle: ConfigBundle
  ) async throws -> Block { throw PullFailure.unavailable(Self.reason) }
}
