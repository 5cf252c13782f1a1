// The cluster of a node that reaches no other node.

import Ordering

/// Stands where connections to other nodes would be: nothing is sent.
struct LoneNode: ClusterTransport {
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
}
