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

  /// Connections at a time.
  let maximumConnections: Int
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

  /// What becomes of a connection.
  enum Admission: Equatable {
    /// It is counted until its channel closes; so many there are now.
    case admitted(count: Int)
    /// There are too many.
    case full
    /// The server is stopping.
    case stopping
  }

  /// Counts a connection in, if there is room.
  func admission(of channel: any Channel) -> Admission {
    let id = ObjectIdentifier(channel)
    let admission = state.change { state -> Admission in
      guard state.isAccepting else { return .stopping }
      guard state.connections.count < maximumConnections else { return .full }
      state.connections[id] = channel
      return .admitted(count: state.connections.count)
    }
    guard case .admitted = admission else { return admission }
    channel.closeFuture.whenComplete { _ in
      self.state.change { $0.connections[id] = nil }
    }
    return admission
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
