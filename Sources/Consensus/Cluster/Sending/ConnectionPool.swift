// The connections to other nodes: one for each, shared by the channels that need it.

import Concurrency
import Logging
import Metrics
import Ordering

/// Makes connections when somebody needs one, and closes them when nobody does.
final class ConnectionPool: Sendable {
  private enum Phase {
    /// → dialing
    case idle
    /// → connected, resting
    case dialing(UInt64)
    /// → idle, resting
    case connected(any ClusterConnection, UInt64, since: TimeSource.Instant)
    /// The node could not be reached, for this reason; it is not tried before this time → idle, dialing
    case resting(until: TimeSource.Instant, String)
  }

  private struct Entry {
    /// How many members of channels are this node.
    var users = 0
    var phase = Phase.idle
    var backoff: Backoff
  }

  private struct State {
    var entries: [ClusterServer: Entry] = [:]
    var lastDial: UInt64 = 0

    var connected: Int {
      entries.values.count { if case .connected = $0.phase { true } else { false } }
    }
  }

  private let connector: any ClusterConnector
  private let settings: ClusterSettings
  private let time: any TimeSource
  private let connectionCount: Gauge
  private let logger: Logger
  private let state = Watched(State())

  init(
    connector: any ClusterConnector, settings: ClusterSettings, time: any TimeSource,
    connectionCount: Gauge, logger: Logger
  ) {
    self.connector = connector
    self.settings = settings
    self.time = time
    self.connectionCount = connectionCount
    self.logger = logger
  }

  /// One more member of a channel is this node.
  func retain(_ server: ClusterServer) {
    let backoff = Backoff(from: settings.shortestBackoff, to: settings.longestBackoff)
    state.change { state in
      state.entries[server, default: Entry(backoff: backoff)].users += 1
    }
  }

  /// One member less is this node. The last one takes the connection along.
  func release(_ server: ClusterServer) {
    let unneeded: (any ClusterConnection)? = state.change { state in
      guard let entry = state.entries[server] else { return nil }
      guard entry.users == 1 else {
        state.entries[server]?.users -= 1
        return nil
      }
      state.entries[server] = nil
      if case .connected(let connection, _, _) = entry.phase { return connection }
      return nil
    }
    guard let unneeded else { return }
    unneeded.close()
    report()
  }

  /// The node has been heard of, so that it may be tried at once.
  func retryNow(_ server: ClusterServer) {
    state.change { state in
      guard case .resting = state.entries[server]?.phase else { return }
      state.entries[server]?.backoff.reset()
      state.entries[server]?.phase = .idle
    }
  }

  /// The connection to a node, which is made if there is none.
  ///
  /// - Throws: why there is none.
  func connection(to server: ClusterServer) async throws(ClusterRefusal) -> any ClusterConnection {
    let now = time.now
    if let dial = state.change({ Self.beginDial(server, now: now, &$0) }) {
      // A task of its own: whoever needed the connection first may lose interest.
      Task { await self.dial(server, dial) }
    }
    let outcome = await state.waitUnlessCancelled { Self.outcome(server, $0) }
    guard let outcome else { throw ClusterRefusal("aborted") }
    return try outcome.get()
  }

  /// The number of the dial that the caller has to carry out; nil if there is nothing to do.
  private static func beginDial(
    _ server: ClusterServer, now: TimeSource.Instant, _ state: inout State
  ) -> UInt64? {
    switch state.entries[server]?.phase {
    case .idle: break
    case .resting(let until, _): guard until <= now else { return nil }
    case .dialing, .connected, nil: return nil
    }
    state.lastDial += 1
    state.entries[server]?.phase = .dialing(state.lastDial)
    return state.lastDial
  }

  private static func outcome(
    _ server: ClusterServer, _ state: State
  ) -> Result<any ClusterConnection, ClusterRefusal>? {
    switch state.entries[server]?.phase {
    case .connected(let connection, _, _): .success(connection)
    case .resting(_, let reason): .failure(ClusterRefusal(reason))
    case .dialing: nil
    case .idle, nil: .failure(ClusterRefusal("the connection to \(server.endpoint) has ended"))
    }
  }

  private func dial(_ server: ClusterServer, _ number: UInt64) async {
    let result: Result<any ClusterConnection, ClusterRefusal>
    do throws(ClusterRefusal) {
      result = .success(try await connector.connect(to: server))
    } catch {
      result = .failure(error)
    }
    let now = time.now
    let isWanted = state.change { state in
      guard case .dialing(number) = state.entries[server]?.phase else { return false }
      switch result {
      case .success(let connection):
        state.entries[server]?.phase = .connected(connection, number, since: now)
      case .failure(let refusal):
        Self.rest(server, refusal.description, now: now, &state)
      }
      return true
    }
    switch result {
    case .success(let connection):
      guard isWanted else { return connection.close() }
      logger.debug("Connected to \(server.endpoint)")
      report()
      await watch(connection, to: server, number)
    case .failure(let refusal):
      logger.debug("Unable to obtain connection to \(server.endpoint): \(refusal)")
    }
  }

  /// Lets go of a connection once it has ended.
  private func watch(
    _ connection: any ClusterConnection, to server: ClusterServer, _ number: UInt64
  ) async {
    let reason = await connection.ended()
    let now = time.now
    state.change { [steadyTime = settings.longestBackoff * 2] state in
      guard case .connected(_, number, let since) = state.entries[server]?.phase else { return }
      if now - since >= steadyTime {
        state.entries[server]?.backoff.reset()
        state.entries[server]?.phase = .idle
      } else {
        Self.rest(server, reason, now: now, &state)
      }
    }
    // Streams that are left may still end in an orderly way.
    logger.debug("The connection to \(server.endpoint) has ended: \(reason)")
    report()
  }

  private static func rest(
    _ server: ClusterServer, _ reason: String, now: TimeSource.Instant, _ state: inout State
  ) {
    guard var entry = state.entries[server] else { return }
    entry.phase = .resting(until: now + entry.backoff.next(), reason)
    state.entries[server] = entry
  }

  private func report() { connectionCount.record(state.read { $0.connected }) }
}
