// What the cluster needs of a transport: connections to other nodes, and streams of the Step service on them.

import NIOCore
import Ordering

/// A node as it is reached. Channels that name it alike share one connection.
package struct ClusterServer: Sendable, Hashable {
  package let host: String
  package let port: UInt32
  /// The certificate whose key the server has to have, in DER.
  package let certificate: [UInt8]
  /// The certificate, in DER, that the server knows this node by; nil if any will do.
  package let ownCertificate: [UInt8]?

  package init(
    host: String, port: UInt32, certificate: [UInt8], ownCertificate: [UInt8]? = nil
  ) {
    self.host = host
    self.port = port
    self.certificate = certificate
    self.ownCertificate = ownCertificate
  }

  package var endpoint: String { "\(host):\(port)" }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(host)
    hasher.combine(port)
  }
}

/// Makes connections to other nodes.
package protocol ClusterConnector: Sendable {
  /// Connects to a node, and makes sure that it has the key that it should have. Bounds how long that takes.
  ///
  /// - Throws: why the node cannot be reached, or is not the one that it should be.
  func connect(
    to server: ClusterServer
  ) async throws(ClusterRefusal) -> any ClusterConnection
}

/// A connection to another node.
package protocol ClusterConnection: Sendable {
  /// Opens a stream of the Step service.
  func openStep() async throws(ClusterRefusal) -> any StepStream

  /// Returns once no more streams can be opened, or the task is cancelled.
  func ended() async -> String

  /// Ends the connection and its streams.
  func close()
}

/// A stream to another node. Nothing of what the node answers is of use.
package protocol StepStream: Sendable {
  /// Hands on serialized requests, in order; waits while the other side takes none. Heeds cancellation.
  func send(_ requests: [ByteBuffer]) async throws(ClusterRefusal)

  /// Returns once the stream has ended, with the reason, or the task is cancelled.
  func ended() async -> String

  /// Ends the stream from this side.
  func cancel()
}
