// The load over this project's gRPC client.

import FabricCrypto
import Foundation
import GRPCTransport
import Logging
import Membership
import NIOCore

/// The gRPC client that all connections of a benchmark share. Whoever makes one shuts it down.
package final class BenchmarkTransport: Sendable {
  /// Cores for each thread that serves sockets: the client is to leave the machine to the server.
  private static let coresPerThread = 8

  private let client: GRPCClient

  package init() {
    var configuration = GRPCClientConfiguration()
    configuration.eventLoopThreads = max(
      1, ProcessInfo.processInfo.activeProcessorCount / Self.coresPerThread)
    client = GRPCClient(
      configuration: configuration,
      logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
  }

  package func shutDown() async { await client.shutdown() }

  /// Connects with the TLS material of a target.
  func dialer(_ tls: TargetTLS?) throws -> any LoadDialer {
    guard let tls else { return GRPCLoadDialer(client: client, tls: nil) }
    let roots = tls.roots.flatMap { PEM.decodeAll($0).map(\.der) }
    guard !roots.isEmpty else {
      throw BenchmarkError("the files to trust the orderer by have no PEM certificate")
    }
    return GRPCLoadDialer(
      client: client,
      tls: GRPCClientTLS(certificateChain: tls.certificate, privateKey: tls.key) { chain, _ in
        Self.refusal(of: chain, roots: roots, now: Int64(Date().timeIntervalSince1970))
      })
  }

  /// Why a server's certificates are not trusted. Its name does not matter here: orderers are measured at other
  /// addresses than they are known by.
  private static func refusal(of chain: [[UInt8]], roots: [[UInt8]], now: Int64) -> String? {
    guard let first = chain.first else { return "it shows none" }
    do {
      try TLSAuthorities(roots: roots, intermediates: Array(chain.dropFirst()))
        .check(TLSCertificate(der: first), now: now)
      return nil
    } catch { return "\(error)" }
  }
}

private struct GRPCLoadDialer: LoadDialer {
  let client: GRPCClient
  let tls: GRPCClientTLS?

  func connect(to address: OrdererAddress) async throws -> any LoadConnection {
    GRPCLoadConnection(
      connection: try await client.connect(to: address.host, port: address.port, tls: tls))
  }
}

private struct GRPCLoadConnection: LoadConnection {
  let connection: GRPCClientConnection

  func openStream(_ path: String) async throws -> any LoadStream {
    GRPCLoadStream(stream: try await connection.openStream(path))
  }

  func close() { connection.close() }
}

private struct GRPCLoadStream: LoadStream {
  let stream: GRPCClientStream

  func send(_ messages: [ByteBuffer]) async throws { try await stream.send(messages) }
  func nextMessages() async throws -> [[UInt8]]? { try await stream.nextMessages() }
  func cancel() { stream.cancel() }
}
