// The hook through which metrics and call logs learn what a server does.

/// Told what happens on a server. Called on event loops and in handlers' tasks, concurrently; an
/// implementation must be quick and never block. Every method does nothing by default.
public protocol GRPCServerObserver: Sendable {
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
  public func connectionOpened(remoteAddress: String) {}
  public func connectionClosed(remoteAddress: String) {}
  public func streamOpened(_ call: GRPCCall) {}
  public func messagesReceived(_ call: GRPCCall, count: Int, bytes: Int) {}
  public func messagesSent(_ call: GRPCCall, count: Int, bytes: Int) {}
  public func streamClosed(_ call: GRPCCall, status: GRPCStatus, duration: Duration) {}
}
