// A connection to a server, in the hands of who dialled it.

import Concurrency
import NIOCore

/// One HTTP/2 connection. It is never renewed behind its owner's back: once it is gone, dial again.
///
/// Whoever has it closes it.
package final class GRPCClientConnection: Sendable {
  /// How far its life is.
  enum Life: Sendable {
    /// → leaving, closed
    case open
    /// Streams go on, but there are no new ones → closed
    case leaving(GRPCStatus)
    case closed(GRPCStatus)
  }

  /// The keying material of the connection; nil unless ``GRPCClientTLS/exportsKeyingMaterial`` is set.
  package let exporter: TLSExporter?

  private let life: Watched<Life>
  private let connection: NIOLoopBound<ClientConnection>

  init(
    exporter: TLSExporter?, life: Watched<Life>, connection: NIOLoopBound<ClientConnection>
  ) {
    self.exporter = exporter
    self.life = life
    self.connection = connection
  }

  /// Whether streams can be opened.
  package var isUsable: Bool { life.read { if case .open = $0 { true } else { false } } }

  /// Opens a stream. Whoever does so ends it: with `cancel`, or by reading it to its end.
  ///
  /// Returns without waiting for the server; if that allows no more streams now, what is sent waits.
  ///
  /// - Parameters:
  ///   - path: Such as `/orderer.Cluster/Step`.
  ///   - timeout: The call's deadline from now on, told to the server too; nil for none.
  /// - Throws: `.unavailable` if the connection is gone or going, `.resourceExhausted` if there are too many streams.
  package func openStream(
    _ path: String, timeout: Duration? = nil
  ) async throws(GRPCStatus) -> GRPCClientStream {
    let request = ClientRequest(path: path, timeout: timeout)
    do {
      return try await connection.eventLoop.submit { [connection] in
        try connection.value.open(request)
      }.get()
    } catch {
      throw error as? GRPCStatus ?? GRPCStatus(.unavailable, "the connection is closed: \(error)")
    }
  }

  /// Waits until no stream can be opened any more, because the server goes away or the connection is closed.
  ///
  /// - Returns: why; `.cancelled` also once the task is cancelled.
  package func gone() async -> GRPCStatus {
    await life.waitUnlessCancelled { life in
      switch life {
      case .open: nil
      case .leaving(let status), .closed(let status): status
      }
    } ?? .cancelled
  }

  /// Waits until the connection is closed, and with it every stream.
  ///
  /// - Returns: why; `.cancelled` also once the task is cancelled.
  package func closed() async -> GRPCStatus {
    await life.waitUnlessCancelled { life in
      if case .closed(let status) = life { status } else { nil }
    } ?? .cancelled
  }

  /// Ends all streams with `CANCELLED` and closes the connection. Closing twice changes nothing.
  package func close() {
    connection.eventLoop.execute { [connection] in connection.value.close(.cancelled) }
  }
}
