// When tracked channels are looked at.

import Concurrency
import Synchronization

/// The one task that looks at tracked channels: after 10 seconds, then after pauses that double up to a longest one. A
/// channel that is new among them is looked at after 10 seconds, too.
package final class ChannelTracker: Sendable {
  /// What `General.Cluster.ReplicationBackgroundRefreshInterval` is if it is not set (Fabric:
  /// `DefaultReplicationBackgroundRefreshInterval`).
  package static let standardInterval = Duration.seconds(300)
  static let shortest = Duration.seconds(10)

  private enum Life {
    case idle
    case running(Task<Void, Never>)
    case stopped
  }

  private let longest: Duration
  private let time: any TimeSource
  private let life = Mutex(Life.idle)
  /// How many channels have been added.
  private let additions = Watched(0)

  /// - Parameter longest: The longest pause; what is not positive stands for the standard.
  init(longest: Duration, time: any TimeSource) {
    self.longest = longest > .zero ? longest : Self.standardInterval
    self.time = time
  }

  /// There is one more channel to look at. Starts the task, unless it runs or was stopped.
  func add(_ look: @escaping @Sendable () async -> Void) {
    additions.change { $0 += 1 }
    life.withLock { life in
      guard case .idle = life else { return }
      life = .running(Task { await self.run(look) })
    }
  }

  /// Ends the task, and returns when it does nothing any more. Nothing is looked at afterwards.
  func stop() async { await end(as: .stopped) }

  /// Ends the task as ``stop()`` does; the next channel that is added starts another.
  func reset() async { await end(as: .idle) }

  private func end(as next: Life) async {
    let task = life.withLock { life -> Task<Void, Never>? in
      defer { if case .stopped = life {} else { life = next } }
      if case .running(let task) = life { return task }
      return nil
    }
    task?.cancel()
    await task?.value
  }

  private func run(_ look: @Sendable () async -> Void) async {
    var pauses = Backoff(from: min(Self.shortest, longest), to: longest)
    var seen = additions.read { $0 }
    while !Task.isCancelled {
      let known = seen
      let isEarly = try? await pause(pauses.next(), unlessMoreThan: known)
      guard let isEarly else { return }
      if isEarly {
        seen = additions.read { $0 }
        pauses = Backoff(from: min(Self.shortest, longest), to: longest)
      } else {
        await look()
      }
    }
  }

  /// Waits; true if a channel was added meanwhile.
  private func pause(_ duration: Duration, unlessMoreThan known: Int) async throws -> Bool {
    let deadline = time.now + duration
    let isEarly: Void? = await additions.wait(until: deadline, on: time) { $0 > known ? () : nil }
    try Task.checkCancellation()
    return isEarly != nil
  }
}
