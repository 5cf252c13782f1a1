// What /healthz asks: one check for each component.

import Synchronization

/// A component has a check already.
package struct HealthCheckError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// The health checks of a node (Fabric: fabric-lib-go/healthz).
package final class HealthChecks: Sendable {
  /// Nil if the component is healthy, else the reason why it is not. Cancelled when nobody waits for
  /// the result any more.
  package typealias Check = @Sendable () async -> String?

  /// A component that is not healthy.
  struct Failure: Sendable, Equatable {
    let component: String
    let reason: String
  }

  let timeout: Duration
  private let checks = Mutex([String: SharedCheck]())

  /// - Parameter timeout: For all checks of a request together; then `/healthz` answers 408.
  package init(timeout: Duration = .seconds(30)) { self.timeout = timeout }

  /// Adds a component. Its check runs when somebody asks, and never twice at the same time: who asks
  /// meanwhile gets the same result.
  ///
  /// - Throws: ``HealthCheckError`` if the component has a check already.
  package func register(component: String, check: @escaping Check) throws {
    let isNew = checks.withLock { checks in
      guard checks[component] == nil else { return false }
      checks[component] = SharedCheck(check)
      return true
    }
    guard isNew else { throw HealthCheckError(description: "'\(component)' is already registered") }
  }

  /// Removes a component's check.
  package func deregister(component: String) {
    _ = checks.withLock { $0.removeValue(forKey: component) }
  }

  /// Runs all checks side by side.
  ///
  /// - Returns: the failures by component; nil if the time was up.
  func failures() async -> [Failure]? {
    let checks = checks.withLock { $0 }
    if checks.isEmpty { return [] }
    return await withTaskGroup(of: Outcome.self) { group in
      for (component, check) in checks {
        group.addTask {
          switch await check.result() {
          case .healthy: .healthy
          case .failed(let reason): .failed(Failure(component: component, reason: reason))
          case .cancelled: .timeUp
          }
        }
      }
      let timeout = timeout
      group.addTask {
        try? await Task.sleep(for: timeout)
        return .timeUp
      }
      var failures: [Failure] = []
      for _ in checks {
        switch await group.next() {
        case .healthy: continue
        case .failed(let failure): failures.append(failure)
        case .timeUp, nil:
          group.cancelAll()
          return nil
        }
      }
      group.cancelAll()
      return failures.sorted { $0.component < $1.component }
    }
  }

  private enum Outcome: Sendable {
    case healthy
    case failed(Failure)
    case timeUp
  }
}

/// A check that runs at most once at a time, however many ask and however long it takes.
final class SharedCheck: Sendable {
  enum Result: Sendable {
    case healthy
    case failed(String)
    /// The one who asked was cancelled.
    case cancelled
  }

  private struct State {
    var task: Task<Void, Never>?
    var waiters: [UInt64: CheckedContinuation<Result, Never>] = [:]
    /// Those who were cancelled before they waited.
    var cancelled: Set<UInt64> = []
    var lastWaiter: UInt64 = 0
  }

  private let check: HealthChecks.Check
  private let state = Mutex(State())

  init(_ check: @escaping HealthChecks.Check) { self.check = check }

  /// The result of a run that goes on, or of a new one.
  func result() async -> Result {
    let id = state.withLock { state in
      state.lastWaiter &+= 1
      return state.lastWaiter
    }
    // A cancellation can come after the result; nothing is to stay of it.
    defer { state.withLock { _ = $0.cancelled.remove(id) } }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isCancelled = state.withLock { state in
          if state.cancelled.remove(id) != nil { return true }
          state.waiters[id] = continuation
          if state.task == nil { state.task = Task { await self.run() } }
          return false
        }
        if isCancelled { continuation.resume(returning: .cancelled) }
      }
    } onCancel: {
      let (waiter, abandoned) = state.withLock { state in
        let waiter = state.waiters.removeValue(forKey: id)
        if waiter == nil { state.cancelled.insert(id) }
        // A check that nobody waits for is told to end; until it does, no other is begun.
        return (waiter, state.waiters.isEmpty ? state.task : nil)
      }
      abandoned?.cancel()
      waiter?.resume(returning: .cancelled)
    }
  }

  private func run() async {
    let reason = await check()
    let waiters = state.withLock { state in
      state.task = nil
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters {
      waiter.resume(returning: reason.map(Result.failed) ?? .healthy)
    }
  }
}
