// Where a Kafka chain is in its life, and what its task has to be told.

import KafkaClient

/// The state that a chain shares between its own task, clients, and those who stop it.
struct ChainState: Sendable {
  /// What clients post through, once the chain is up.
  struct Route: Sendable {
    let brokers: any ChannelBrokers
    let writer: any TopicWriter
  }

  /// What other tasks tell the chain's own. Of each kind at most one waits: the newest.
  enum News: Sendable {
    /// A time-to-cut record could not be posted.
    case timeToCutFailed
    /// Reading may have stopped, for a reason.
    case readingDoubted(String)
    /// The brokers are back.
    case brokersReturned

    fileprivate func isSameKind(as other: News) -> Bool {
      switch (self, other) {
      case (.timeToCutFailed, .timeToCutFailed), (.readingDoubted, .readingDoubted),
        (.brokersReturned, .brokersReturned):
        true
      default: false
      }
    }
  }

  /// The chain's life.
  enum Phase: Sendable {
    /// → starting, halted
    case idle
    /// The topic is made, and tried. → ordering, failed, halted
    case starting(Task<Void, Never>)
    /// Records are read, and clients may post. → failed, halted
    case ordering(Task<Void, Never>, Route)
    /// The chain cannot go on. → halted
    case failed(Task<Void, Never>)
    /// Final. The task may be in the middle of writing a block.
    case halted(unfinished: Task<Void, Never>?)
  }

  private(set) var phase = Phase.idle
  private var news: [News] = []
  /// What the task waits for and a halt cuts short.
  private var awaited: Delivery?

  // MARK: Life

  var isHalted: Bool { if case .halted = phase { true } else { false } }

  /// What clients post through; nil unless the chain is up.
  var route: Route? { if case .ordering(_, let route) = phase { route } else { nil } }

  /// Begins the chain's task, the first time this is called.
  mutating func start(_ task: () -> Task<Void, Never>) {
    guard case .idle = phase else { return }
    phase = .starting(task())
  }

  /// The topic is there, and clients may post.
  ///
  /// - Throws: ``Halted``.
  mutating func beginOrdering(_ route: Route) throws(Halted) {
    guard case .starting(let task) = phase else { throw Halted() }
    phase = .ordering(task, route)
  }

  /// The chain cannot go on.
  mutating func fail() {
    switch phase {
    case .starting(let task), .ordering(let task, _): phase = .failed(task)
    case .idle, .failed, .halted: break
    }
  }

  /// Ends the chain.
  ///
  /// - Returns: The task, if it has to be waited for, and what it waits for itself.
  mutating func halt() -> (task: Task<Void, Never>?, awaited: Delivery?) {
    switch phase {
    // Before the chain is up there is nothing to finish, but perhaps much to wait for.
    case .idle, .starting: phase = .halted(unfinished: nil)
    case .ordering(let task, _), .failed(let task): phase = .halted(unfinished: task)
    case .halted: break
    }
    guard case .halted(let task) = phase else { return (nil, awaited) }
    return (task, awaited)
  }

  // MARK: News

  /// Leaves something for the chain's task.
  mutating func tell(_ new: News) {
    guard let index = news.firstIndex(where: { $0.isSameKind(as: new) }) else {
      news.append(new)
      return
    }
    news[index] = new
  }

  /// Takes all news.
  mutating func takeNews() -> [News] {
    defer { news = [] }
    return news
  }

  /// The brokers are gone again.
  mutating func forgetReturn() { _ = takeReturn() }

  /// Takes the news that the brokers are back; false if there is none.
  mutating func takeReturn() -> Bool {
    guard let index = news.firstIndex(where: { $0.isSameKind(as: .brokersReturned) }) else {
      return false
    }
    news.remove(at: index)
    return true
  }

  // MARK: Deliveries

  /// Notes what the task waits for; nil for nothing.
  ///
  /// - Returns: Whether it may wait; false once the chain is halted.
  mutating func await(_ delivery: Delivery?) -> Bool {
    awaited = delivery
    return !isHalted
  }
}

/// The chain was halted while its task waited.
struct Halted: Error {}
