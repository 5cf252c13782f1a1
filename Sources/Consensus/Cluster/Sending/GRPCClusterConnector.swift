// Connections between nodes over gRPC.

import GRPCTransport
import NIOCore
import Ordering

/// Makes connections with the node's gRPC client.
package struct GRPCClusterConnector: ClusterConnector {
  /// Dials a node, and makes sure that it has the key that it should have. Bounds how long that takes.
  package typealias Dial =
    @Sendable (ClusterServer) async throws(GRPCDialError) -> GRPCClientConnection

  private let dial: Dial

  package init(dial: @escaping Dial) { self.dial = dial }

  package func connect(
    to server: ClusterServer
  ) async throws(ClusterRefusal) -> any ClusterConnection {
    do throws(GRPCDialError) {
      return GRPCClusterConnection(connection: try await dial(server))
    } catch {
      throw ClusterRefusal("connection to \(server.endpoint) failed: \(error)")
    }
  }
}

private struct GRPCClusterConnection: ClusterConnection {
  let connection: GRPCClientConnection

  func openStep() async throws(ClusterRefusal) -> any StepStream {
    do throws(GRPCStatus) {
      return GRPCStepStream(stream: try await connection.openStream(Cluster.stepPath))
    } catch { throw ClusterRefusal(error.description) }
  }

  func ended() async -> String { await connection.gone().description }
  func close() { connection.close() }
}

private struct GRPCStepStream: StepStream {
  let stream: GRPCClientStream

  func send(_ requests: [ByteBuffer]) async throws(ClusterRefusal) {
    do throws(GRPCStatus) { try await stream.send(requests) } catch {
      throw ClusterRefusal(error.description)
    }
  }

  func ended() async -> String { await stream.ended().description }
  func cancel() { stream.cancel() }
}
