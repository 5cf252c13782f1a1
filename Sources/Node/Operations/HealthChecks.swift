// What /healthz asks: one check for each component.

import Concurrency
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

  /// Nil if nothing is to be said of the component, else what an operator should do something about before it is in
  /// trouble. Must not wait.
  package typealias Warning = @Sendable () -> String?

  /// A component that is not healthy.
  struct Failure: Sendable, Equatable {
    let component: String
    let reason: String
  }

  let timeout: Duration
  private let time: any TimeSource
  private let checks = Mutex([String: SharedCheck]())
  private let warners = Mutex([String: Warning]())

  /// - Parameter timeout: For all checks of a request together; then `/healthz` answers 408.
  package init(timeout: Duration = .seconds(30), time: any TimeSource) {
    self.timeout = timeout
    self.time = time
  }

  /// Adds a component. Its check runs when somebody asks, and never twice at the same time: all who ask
  /// while it runs get the same result.
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

  /// Adds, or replaces, what warns of a component. A warning is told beside the state of the node's health and does not
  /// change it: those who ask for the status alone may end a node that is not healthy.
  package func warn(component: String, _ warning: @escaping Warning) {
    warners.withLock { $0[component] = warning }
  }

  /// The warnings in the order of their components.
  func warnings() -> [Failure] {
    warners.withLock { $0 }.compactMap { component, warning in
      warning().map { Failure(component: component, reason: $0) }
    }.sorted { $0.component < $1.component }
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
    let failures = await withTimeLimit(timeout, on: time) { await Self.failures(of: checks) }
    return failures ?? nil
  }

  /// The failures in the order of their components; nil if the task was cancelled first.
  private static func failures(of checks: [String: SharedCheck]) async -> [Failure]? {
    await withTaskGroup(of: (String, SharedCheck.Result).self) { group in
      for (component, check) in checks {
        group.addTask { (component, await check.result()) }
      }
      var failures: [Failure] = []
      for await (component, result) in group {
        switch result {
        case .healthy: continue
        case .failed(let reason): failures.append(Failure(component: component, reason: reason))
        case .cancelled: return nil
        }
      }
      return failures.sorted { $0.component < $1.component }
    }
  }
}
