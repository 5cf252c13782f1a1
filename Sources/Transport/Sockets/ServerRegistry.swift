// What a server has running: connections and handlers; for bounds and for shutting down.

import Concurrency
import NIOCore

/// The connections and handlers of a server.
package final class ServerRegistry: Sendable {
  private struct State {
    var connections: [ObjectIdentifier: any Channel] = [:]
    var handlers = 0
    var isAccepting = true
  }

  package enum Condition: Sendable {
    case noConnections
    case noHandlers
  }

  private let maximumConnections: Int
  private let maximumHandlers: Int
  private let state = Watched(State())

  /// - Parameters:
  ///   - maximumConnections: Connections at a time.
  ///   - maximumHandlers: Handlers at a time, all connections together.
  package init(maximumConnections: Int, maximumHandlers: Int = .max) {
    self.maximumConnections = maximumConnections
    self.maximumHandlers = maximumHandlers
  }

  package var connections: [any Channel] { state.read { Array($0.connections.values) } }
  package var connectionCount: Int { state.read { $0.connections.count } }
  package var handlerCount: Int { state.read { $0.handlers } }

  /// Counts a connection in until its channel closes; false when there are too many, or the server
  /// is stopping.
  package func admit(_ channel: any Channel) -> Bool {
    let id = ObjectIdentifier(channel)
    let isAdmitted = state.change { state in
      guard state.isAccepting, state.connections.count < maximumConnections else { return false }
      state.connections[id] = channel
      return true
    }
    guard isAdmitted else { return false }
    channel.closeFuture.whenComplete { _ in
      self.state.change { $0.connections[id] = nil }
    }
    return true
  }

  /// Admits no more connections from now on; returns those that are there.
  package func stopAccepting() -> [any Channel] {
    state.change { state in
      state.isAccepting = false
      return Array(state.connections.values)
    }
  }

  /// Counts a handler in; false when there are too many.
  package func handlerStarted() -> Bool {
    state.change { state in
      guard state.handlers < maximumHandlers else { return false }
      state.handlers += 1
      return true
    }
  }

  package func handlerEnded() {
    state.change { state in
      assert(state.handlers > 0, "a handler ended that never started")
      state.handlers -= 1
    }
  }

  /// Suspends until the condition holds, at most for `limit`.
  ///
  /// - Returns: whether it holds; false also if the task is cancelled before it does.
  package func wait(
    for condition: Condition, atMost limit: Duration, on time: any TimeSource
  ) async -> Bool {
    await state.wait(until: time.now + limit, on: time) { state in
      switch condition {
      case .noConnections: state.connections.isEmpty ? () : nil
      case .noHandlers: state.handlers == 0 ? () : nil
      }
    } != nil
  }
}
