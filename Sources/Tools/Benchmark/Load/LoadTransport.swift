// What the load needs of a transport, so that tests can stand in for an orderer.

import NIOCore
import Sockets

/// The methods that a benchmark calls.
enum OrdererMethod {
  static let broadcast = "/orderer.AtomicBroadcast/Broadcast"
  static let deliver = "/orderer.AtomicBroadcast/Deliver"
}

/// Makes connections to an orderer.
protocol LoadDialer: Sendable {
  func connect(to address: OrdererAddress) async throws -> any LoadConnection
}

/// A connection to an orderer.
protocol LoadConnection: Sendable {
  func openStream(_ path: String) async throws -> any LoadStream
  func close()
}

/// A call. Whoever opens one cancels it or reads it to its end.
protocol LoadStream: Sendable {
  /// Sends messages in one flush; waits while the server reads too slowly.
  func send(_ messages: [ByteBuffer]) async throws
  /// What has arrived, at least one message; nil at the end of the call.
  func nextMessages() async throws -> [[UInt8]]?
  func cancel()
}

/// Where an orderer listens.
package struct OrdererAddress: Sendable, Equatable, CustomStringConvertible {
  package let host: String
  package let port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `host:port`, an IPv6 address in brackets; nil if it is neither.
  package init?(_ text: String) {
    guard let address = try? NetworkAddress(text), !address.host.isEmpty, address.port > 0 else {
      return nil
    }
    self.init(host: address.host, port: address.port)
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
