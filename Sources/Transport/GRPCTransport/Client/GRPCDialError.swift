// Why there is no connection to a server.

import NIOCore
import NIOPosix
import NIOSSL
import Sockets

/// Why a server could not be connected to.
package enum GRPCDialError: Error, Sendable, Equatable, CustomStringConvertible {
  /// It took longer than the dial time-out.
  case timedOut
  /// Nobody answers there, in the words of Go's `net` package.
  case unreachable(String)
  /// The certificate that the server shows is not the one to expect, or not valid.
  case untrusted(String)
  /// The server refuses this node, or what it says is not TLS or HTTP/2 as it has to be.
  case failed(String)
  /// This node's own material cannot be used.
  case unusable(String)
  /// The task was cancelled, or the client has been shut down.
  case cancelled

  package var description: String {
    switch self {
    case .timedOut: "the server does not answer in time"
    case .unreachable(let reason): reason
    case .untrusted(let reason): "the server's certificate is not trusted: \(reason)"
    case .failed(let reason): reason
    case .unusable(let reason): reason
    case .cancelled: "connecting was cancelled"
    }
  }

  /// What an error of the bootstrap means.
  init(_ error: any Error) {
    switch error {
    case let error as GRPCDialError: self = error
    case ChannelError.connectTimeout: self = .timedOut
    case is CancellationError: self = .cancelled
    case let error as NIOConnectionError where Self.hasTimedOut(error): self = .timedOut
    default: self = .unreachable("dial tcp: \(NetworkAddress.reason(error, call: "connect"))")
    }
  }

  private static func hasTimedOut(_ error: NIOConnectionError) -> Bool {
    error.connectionErrors.contains {
      if case ChannelError.connectTimeout = $0.error { true } else { false }
    }
  }
}
