// Which topics a lost connection concerns.

import Concurrency
import Synchronization

/// Tells those who read a topic that the broker which leads it may be out of reach.
///
/// librdkafka looks for another way to read without telling the readers. A topic that nobody posts
/// to would seem healthy, and its readers would wait, while other processes go on. So each
/// connection that a consumer loses is a reason to ask who leads which topic.
package final class LeaderWatch: Sendable {
  /// Is told why reading may have stopped.
  package typealias Observer = @Sendable (String) -> Void

  /// The broker that leads a topic's first partition, as `host:port`; nil if none does.
  typealias Leader = (topic: String, broker: String?)

  private enum Phase {
    /// → looking
    case idle
    /// Some brokers have failed since the last look, for reasons. → idle
    case looking([String: String])
  }

  private struct State {
    var observers: [String: Observer] = [:]
    private var phase = Phase.idle

    /// Notes a failure; returns whether a look has to begin.
    mutating func lost(_ failure: BrokerFailure) -> Bool {
      guard !failure.broker.isEmpty else { return false }
      switch phase {
      case .idle:
        phase = .looking([failure.broker: failure.reason])
        return true
      case .looking(var failed):
        guard failed.count < LeaderWatch.maximumFailed else { return false }
        failed[failure.broker] = failure.reason
        phase = .looking(failed)
        return false
      }
    }

    /// Ends a look; returns whom to tell what.
    mutating func conclude(_ leaders: [Leader]) -> [(Observer, String)] {
      guard case .looking(let failed) = phase else { return [] }
      phase = .idle
      return leaders.compactMap { topic, leader in
        guard let observer = observers[topic] else { return nil }
        guard let leader else { return (observer, "the topic \(topic) has no leader") }
        return failed[leader].map {
          (observer, "the leader of the topic \(topic) may be out of reach: \($0)")
        }
      }
    }
  }

  /// Failed brokers that are remembered during a look; a cluster has fewer.
  private static let maximumFailed = 1_000
  /// Time from a failure to a look: a broker that shuts down properly has handed over its topics by
  /// then.
  static let pause = Duration.milliseconds(500)

  private let state = Mutex(State())
  private let reachability: Reachability
  private let time: any TimeSource
  private let leaders: @Sendable () async -> [Leader]?

  /// - Parameter leaders: Asks who leads the topics that are read; nil if one of those asked gave
  ///   no answer.
  init(
    reachability: Reachability, time: any TimeSource,
    leaders: @escaping @Sendable () async -> [Leader]?
  ) {
    self.reachability = reachability
    self.time = time
    self.leaders = leaders
  }

  /// Begins to watch the leader of a topic.
  func observe(_ topic: String, _ observer: @escaping Observer) {
    state.withLock { $0.observers[topic] = observer }
  }

  /// Ends watching.
  func stopObserving(_ topic: String) {
    state.withLock { $0.observers[topic] = nil }
  }

  /// A consumer has lost a connection.
  func lost(_ failure: BrokerFailure) {
    if state.withLock({ $0.lost(failure) }) { Task { await look() } }
  }

  private func look() async {
    while !reachability.isClosed {
      guard (try? await time.sleep(for: Self.pause)) != nil else { return }
      // An outage of all brokers is reported elsewhere.
      guard !reachability.isDown, let leaders = await leaders() else { continue }
      for (observer, reason) in state.withLock({ $0.conclude(leaders) }) { observer(reason) }
      return
    }
  }
}
