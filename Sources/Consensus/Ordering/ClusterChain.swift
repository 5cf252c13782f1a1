// The ordering of one channel by a cluster of nodes that talk to each other.

/// A chain that agrees on the order with the chains of other nodes (etcdraft, BFT): they send it the
/// messages of their protocol, and what clients have handed to them (Fabric: `cluster.Receiver`).
///
/// The sender is what the channel's membership says of the stream on which the message came.
package protocol ClusterChain: Chain {
  /// Takes a message of the consensus protocol. May drop it silently, as the protocol has to cope
  /// with lost messages.
  ///
  /// - Parameters:
  ///   - payload: The message, not yet looked at: a part of the bytes that arrived.
  ///   - metadata: What came beside it (`ConsensusRequest.metadata`), usually empty.
  ///   - sender: The consenter id of the node that sent it.
  /// - Throws: Why the stream on which it came has to end.
  func received(
    _ payload: ArraySlice<UInt8>, metadata: ArraySlice<UInt8>, from sender: UInt64
  ) async throws(ClusterRefusal)

  /// Takes messages that another node took from clients (`SubmitRequest`), in order. A full chain lets the sender
  /// wait.
  ///
  /// - Parameters:
  ///   - messages: The config sequence of each is the one that the other node validated it against, 0 if that
  ///     node does not say.
  ///   - sender: The consenter id of the node that sent them.
  /// - Throws: Why the stream on which they came has to end.
  func submitted(_ messages: [OrderedMessage], by sender: UInt64) async throws(ClusterRefusal)

  /// The stream to a member has ended, or cannot be made: what was sent to it last may be lost. Must not wait.
  func lostContact(with member: UInt64)

  /// The stream with clients' messages to a member has ended, besides: nobody knows which of them have arrived. That
  /// the other stream ended says nothing of them. Must not wait.
  func lostSubmissions(to member: UInt64)
}

/// Why the stream of another node has to end; the reason goes there as the status of the stream.
package struct ClusterRefusal: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}
