// What the chain of a cluster needs of the network.

/// A node that orders a channel, as the channel's configuration tells the others to reach and to know it.
package struct ClusterMember: Sendable, Equatable {
  /// Its consenter id in that channel.
  package let id: UInt64
  package let host: String
  package let port: UInt32
  /// The certificate that it shows to those who connect to it, in PEM.
  package let serverCertificate: [UInt8]
  /// The certificate that it shows when it connects, in PEM.
  package let clientCertificate: [UInt8]

  package init(
    id: UInt64, host: String, port: UInt32, serverCertificate: [UInt8], clientCertificate: [UInt8]
  ) {
    self.id = id
    self.host = host
    self.port = port
    self.serverCertificate = serverCertificate
    self.clientCertificate = clientCertificate
  }
}

/// Connections to the nodes that order channels together with this one (Fabric: `cluster.Communicator`).
///
/// Nodes are known by their keys; what comes from them goes to their channel's ``ClusterChain``.
package protocol ClusterTransport: Sendable {
  /// Sets the other members of a channel, in place of those set before. Streams to members that stay as they
  /// were are kept.
  ///
  /// - Parameters:
  ///   - own: This node, as the configuration has it: by this certificate the members know who connects to them. Nil:
  ///     by whatever certificate it shows.
  ///   - members: All but this node.
  ///   - chain: Held weakly. It gets what members send on this channel.
  func connect(
    _ channelID: String, as own: ClusterMember?, to members: [ClusterMember],
    for chain: any ClusterChain)

  /// Ends all streams of a channel. What members send on it is refused from now on.
  func disconnect(_ channelID: String)

  /// Hands on a message of the consensus protocol, and never waits.
  ///
  /// - Parameters:
  ///   - payload: The message, in pieces that follow each other.
  ///   - metadata: As in ``ClusterChain/received(_:metadata:from:)``.
  /// - Returns: False if it was dropped: the member cannot be reached now, or its queue is full.
  func send(
    _ payload: [ArraySlice<UInt8>], metadata: [UInt8], in channelID: String, to id: UInt64
  ) -> Bool

  /// Hands on messages of clients to the member that leads, in order. Returns once they are on its stream, which
  /// does not mean that they have arrived; waits while its queue is full.
  ///
  /// Messages of one series (``SubmissionOrigin``) go on one stream: once that is lost, later ones are refused, so that
  /// none arrives without those before it.
  ///
  /// - Throws: why they could not be handed on, in words for the client. Some of them may have been.
  func submit(
    _ messages: [OrderedMessage], in channelID: String, to id: UInt64
  ) async throws(ClusterRefusal)
}
