// What a server has running: connections and handlers; for bounds and for shutting down.

import NIOCore
import Synchronization

/// The connections and handlers of a server.
final class ServerRegistry: Sendable {
  private struct State {
    var connections: [ObjectIdentifier: any Channel] = [:]
    var handlers = 0
    var isAccepting = true
    var waiters: [UInt64: (condition: Condition, continuation: CheckedContinuation<Void, Never>)] =
      [:]
    var lastWaiter: UInt64 = 0

    func holds(_ condition: Condition) -> Bool {
      switch condition {
      case .noConnections: connections.isEmpty
      case .noHandlers: handlers == 0
      }
    }

    mutating func satisfiedWaiters() -> [CheckedContinuation<Void, Never>] {
      if waiters.isEmpty { return [] }
      let satisfied = waiters.filter { holds($0.value.condition) }
      for id in satisfied.keys { waiters[id] = nil }
      return satisfied.values.map(\.continuation)
    }
  }

  enum Condition {
    case noConnections
    case noHandlers
  }

  private let maximumConnections: Int
  private let state = Mutex(State())

  init(maximumConnections: Int) {
    self.maximumConnections = maximumConnections
  }

  /// For tests: the connections that are there.
  var connections: [any Channel] { state.withLock { Array($0.connections.values) } }
  var connectionCount: Int { state.withLock { $0.connections.count } }
  var handlerCount: Int { state.withLock { $0.handlers } }

  /// Counts a connection in until its channel closes; false when there are too many, or the server
  /// is stopping.
  func admit(_ channel: any Channel) -> Bool {
    let isAdmitted = state.withLock { state in
      guard state.isAccepting, state.connections.count < maximumConnections else { return false }
      state.connections[ObjectIdentifier(channel)] = channel
      return true
    }
    guard isAdmitted else { return false }
    let id = ObjectIdentifier(channel)
    channel.closeFuture.whenComplete { _ in
      self.update { $0.connections[id] = nil }
    }
    return true
  }

  /// From now on admits none; returns those that are there.
  func stopAccepting() -> [any Channel] {
    state.withLock { state in
      state.isAccepting = false
      return Array(state.connections.values)
    }
  }

  func handlerStarted() {
    state.withLock { $0.handlers += 1 }
  }

  func handlerEnded() {
    update { $0.handlers -= 1 }
  }

  /// Suspends until the condition holds, at most for `limit`.
  ///
  /// - Returns: whether it holds.
  func wait(for condition: Condition, atMost limit: Duration) async -> Bool {
    let id = state.withLock { state in
      state.lastWaiter &+= 1
      return state.lastWaiter
    }
    let timeout = Task {
      try? await Task.sleep(for: limit)
      state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
    }
    await withCheckedContinuation { continuation in
      let holds = state.withLock { state in
        if state.holds(condition) || timeout.isCancelled { return true }
        state.waiters[id] = (condition, continuation)
        return false
      }
      if holds { continuation.resume() }
    }
    timeout.cancel()
    return state.withLock { $0.holds(condition) }
  }

  private func update(_ change: (inout State) -> Void) {
    let satisfied = state.withLock { state in
      change(&state)
      return state.satisfiedWaiters()
    }
    for waiter in satisfied { waiter.resume() }
  }
}
