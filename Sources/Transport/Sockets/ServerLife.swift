// A server's life, from nothing to serving to its end; it runs once.

import NIOCore
import NIOPosix
import Synchronization

/// Starts and stops a server's listener and event loops.
package final class ServerLife: Sendable {
  /// What runs while a server serves.
  package struct Running: Sendable {
    package let listener: any Channel
    package let group: MultiThreadedEventLoopGroup
  }

  private enum State {
    /// → starting, stopped
    case idle
    /// → serving, stopped
    case starting
    /// → stopped
    case serving(Running)
    /// The end, also of a start that failed.
    case stopped

    mutating func start() -> Bool {
      guard case .idle = self else { return false }
      self = .starting
      return true
    }

    /// False if the server was stopped while it started.
    mutating func serve(_ running: Running) -> Bool {
      guard case .starting = self else { return false }
      self = .serving(running)
      return true
    }

    /// What must be taken down.
    mutating func stop() -> Running? {
      defer { self = .stopped }
      guard case .serving(let running) = self else { return nil }
      return running
    }
  }

  private let state = Mutex(State.idle)
  private let threads: Int

  /// - Parameter threads: Event loops, at least one.
  package init(threads: Int) { self.threads = max(1, threads) }

  /// What runs; nil before the start and after the end.
  package var running: Running? {
    state.withLock { state in
      guard case .serving(let running) = state else { return nil }
      return running
    }
  }

  /// Listens.
  ///
  /// - Parameter listen: Makes the listener on the event loops it is given.
  /// - Throws: What `listen` throws; `CancellationError` when the server was started or stopped before.
  package func start(
    _ listen: (MultiThreadedEventLoopGroup) async throws -> any Channel
  ) async throws -> Running {
    guard state.withLock({ $0.start() }) else { throw CancellationError() }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let running: Running
    do {
      running = Running(listener: try await listen(group), group: group)
    } catch {
      _ = state.withLock { $0.stop() }
      try? await group.shutdownGracefully()
      throw error
    }
    guard state.withLock({ $0.serve(running) }) else {
      try? await running.listener.close()
      try? await group.shutdownGracefully()
      throw CancellationError()
    }
    return running
  }

  /// Closes the listener.
  ///
  /// - Returns: what ran, whose event loops the caller has to end; nil if nothing did.
  package func stop() async -> Running? {
    guard let running = state.withLock({ $0.stop() }) else { return nil }
    try? await running.listener.close()
    return running
  }
}
