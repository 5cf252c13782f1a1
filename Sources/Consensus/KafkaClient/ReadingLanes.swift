// Shares consumers between topics, so that a busy topic does not pay for all the others.

import Synchronization

/// Knows the consumers without keeping them.
final class WeakReadingLanes: Sendable {
  private struct State {
    weak var lanes: ReadingLanes?
  }

  private let state = Mutex(State())

  func set(_ lanes: ReadingLanes) { state.withLock { $0.lanes = lanes } }
  var all: [KafkaInstance] { state.withLock { $0.lanes }?.all ?? [] }
}

/// The consumers for one set of brokers.
///
/// A consumer asks each broker for the records of all its topics at once, and again after each answer;
/// so what a record costs grows with the number of topics beside its own. A topic stays with the consumer
/// that it began with.
final class ReadingLanes: Sendable {
  /// The most consumers. Each takes a connection and a thread for each broker.
  static let maximum = 8
  /// Topics that share a consumer before another one is made.
  static let crowd = 64

  private let lanes: Mutex<Lanes>
  private let make: @Sendable () throws(KafkaError) -> KafkaInstance

  /// - Throws: What the maker throws; the first consumer is made at once.
  init(make: @escaping @Sendable () throws(KafkaError) -> KafkaInstance) throws(KafkaError) {
    self.make = make
    lanes = Mutex(Lanes(first: try make()))
  }

  /// The first consumer, which is always there.
  var first: KafkaInstance { lanes.withLock { $0.instances[0] } }
  /// All consumers.
  var all: [KafkaInstance] { lanes.withLock { $0.instances } }

  /// Ends the threads.
  func close() {
    for lane in lanes.withLock({ $0.close() }) { lane.close() }
  }

  /// A consumer for one more topic; call ``release(_:)`` when the topic is not read any more.
  func take() -> (lane: Int, instance: KafkaInstance) {
    lanes.withLock { lanes in
      var best = lanes.leastLoaded
      if lanes.load(of: best) >= Self.crowd, lanes.instances.count < Self.maximum,
        !lanes.isClosed,
        // If none can be made, those that are there will do.
        let made = try? make()
      {
        best = lanes.add(made)
      }
      return (best, lanes.take(best))
    }
  }

  /// A topic is not read any more.
  func release(_ lane: Int) {
    lanes.withLock { $0.release(lane) }
  }
}
