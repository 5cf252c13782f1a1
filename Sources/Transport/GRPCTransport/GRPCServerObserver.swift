// The hook through which metrics and call logs learn what a server does.

/// Told what happens on a server. Called on event loops and in handlers' tasks, concurrently; an
/// implementation must be quick and never block. Every method does nothing by default.
package protocol GRPCServerObserver: Sendable {
  /// A connection has passed its TLS handshake and HTTP/2 preface.
  func connectionOpened(remoteAddress: String)
  /// A connection that was opened is gone.
  func connectionClosed(remoteAddress: String)
  /// A call reached its handler.
  func streamOpened(_ call: GRPCCall)
  /// Messages arrived on a call; `bytes` without framing.
  func messagesReceived(_ call: GRPCCall, count: Int, bytes: Int)
  /// Messages were handed to the transport.
  func messagesSent(_ call: GRPCCall, count: Int, bytes: Int)
  /// The handler of a call ended with this status after this time.
  func streamClosed(_ call: GRPCCall, status: GRPCStatus, duration: Duration)
}

extension GRPCServerObserver {
  package func connectionOpened(remoteAddress: String) {}
  package func connectionClosed(remoteAddress: String) {}
  package func streamOpened(_ call: GRPCCall) {}
  package func messagesReceived(_ call: GRPCCall, count: Int, bytes: Int) {}
  package func messagesSent(_ call: GRPCCall, count: Int, bytes: Int) {}
  package func streamClosed(_ call: GRPCCall, status: GRPCStatus, duration: Duration) {}
}
