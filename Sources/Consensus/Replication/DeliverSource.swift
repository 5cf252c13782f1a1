// The way to other orderers' blocks: what a pull needs of the network.

/// Connects to orderers as a client of their Deliver service.
package protocol DeliverSource: Sendable {
  /// Connects to an orderer, within a time limit of its own.
  ///
  /// - Throws: why there is no connection, in words for the log; `CancellationError` once the task is cancelled.
  func connect(to endpoint: OrdererEndpoint) async throws -> any DeliverConnection
}

/// A connection to one orderer. Whoever has one has to close it.
package protocol DeliverConnection: Sendable {
  /// SHA-256 of the DER of the certificate that this node shows on it; empty if it shows none. Orderers with mutual
  /// TLS compare it with the one in the request.
  var tlsCertificateHash: [UInt8] { get }
  /// Opens a Deliver stream, and sends one request on it: a serialized envelope with a seek request.
  func deliver(_ request: [UInt8]) async throws -> any DeliverStream
  /// Ends the connection, and with it its streams.
  func close()
}

/// The answers to one request. Whoever has one has to cancel it, or read it to its end.
package protocol DeliverStream: Sendable {
  /// The next serialized `DeliverResponse`; nil once the orderer has ended the stream. Nobody else may wait
  /// meanwhile. What is not taken yet waits at the other side, so that memory is bounded.
  ///
  /// - Throws: why nothing more comes; `CancellationError` once the task is cancelled.
  func next() async throws -> [UInt8]?
  /// Tells the orderer that nothing more is wanted.
  func cancel()
}
