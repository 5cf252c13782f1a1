// Looks for brokers that are gone.

import Concurrency

/// Asks until every connection has an answer, and tells ``Reachability`` the result.
struct BrokerSearch: Sendable {
  /// How many connections have found a broker that answers.
  enum Answers: Sendable {
    case none
    /// There are brokers, but not every connection has one yet. That need not concern every topic;
    /// records on the other connections have a time-out of their own.
    case some
    case all
  }

  let reachability: Reachability
  let time: any TimeSource
  /// Between two rounds.
  let pause: Duration
  /// Asks once over each connection.
  let ask: @Sendable () async -> Answers
  /// Called after each round that has found no broker.
  let whenNone: @Sendable () -> Void

  /// Searches until all brokers are there, or the client is closed.
  func run() async {
    while let suspicions = reachability.suspicions {
      switch await ask() {
      case .all:
        if reachability.found(asOf: suspicions) { return }
      case .none:
        reachability.down()
        whenNone()
      case .some: break
      }
      guard (try? await time.sleep(for: pause)) != nil else { return }
    }
  }
}
