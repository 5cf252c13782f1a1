// The cluster of a node that reaches no other, for tests of one node.

import ChannelConfig
import FabricProtos
import Ordering

/// Nothing is sent, and no blocks are pulled.
struct NoCluster: ClusterTransport, BlockSource {
  private static let reason = "there are no other nodes"

  func connect(
    _ channelID: String, as own: ClusterMember?, to members: [ClusterMember],
    for chain: any ClusterChain
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

  func newestConfigBlock(
    of channelID: String, under bundle: ConfigBundle
  ) async throws -> Block { throw PullFailure.unavailable(Self.reason) }
}
