// The way to the blocks of other orderers: their Deliver service, over gRPC.

import GRPCTransport
import NIOCore
import Replication

/// Connects to orderers as a client of their Deliver service. An orderer's certificate must come from the authorities of
/// its organization.
struct DeliverDialer: DeliverSource {
  let dialer: OrdererDialer

  func connect(to endpoint: OrdererEndpoint) async throws -> any DeliverConnection {
    guard let (host, port) = endpoint.hostAndPort else {
      throw UnusableAddress(address: endpoint.address)
    }
    let (connection, hash) = try await dialer.connect(
      to: host, port: port, trusting: endpoint.tlsRoots)
    return Connection(connection: connection, tlsCertificateHash: hash)
  }

  private struct Connection: DeliverConnection {
    let connection: GRPCClientConnection
    let tlsCertificateHash: [UInt8]

    func deliver(_ request: [UInt8]) async throws -> any DeliverStream {
      let stream = try await connection.openStream(AtomicBroadcastService.deliverPath)
      do throws(GRPCStatus) {
        try await stream.send(ByteBuffer(bytes: request))
      } catch {
        stream.cancel()
        throw error
      }
      return Stream(stream: stream)
    }

    func close() { connection.close() }
  }

  private struct Stream: DeliverStream {
    let stream: GRPCClientStream

    func next() async throws -> [UInt8]? { try await stream.receive() }
    func cancel() { stream.cancel() }
  }
}

/// An address in a channel's configuration to which nobody can connect.
struct UnusableAddress: Error, CustomStringConvertible {
  let address: String
  var description: String { "the address \(address) is not of the form host:port" }
}
