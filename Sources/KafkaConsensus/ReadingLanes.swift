// Shares consumers between channels, so that a busy channel does not pay for all the others.

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
/// A consumer asks each broker for the records of all its channels at once, and again after each
/// answer; so what a record costs grows with the number of channels beside its own. A channel stays
/// with the consumer that it began with.
final class ReadingLanes: Sendable {
  /// Consumers at most. One takes a connection to each broker and a thread for each.
  static let maximum = 8
  /// Channels that share a consumer before another one is made.
  static let crowd = 64

  private struct State {
    var lanes: [KafkaInstance]
    var load: [Int] = [0]
    var isClosed = false
  }

  private let state: Mutex<State>
  private let make: @Sendable () throws(KafkaError) -> KafkaInstance

  /// - Throws: What the maker throws; the first consumer is made at once.
  init(make: @escaping @Sendable () throws(KafkaError) -> KafkaInstance) throws(KafkaError) {
    self.make = make
    state = Mutex(State(lanes: [try make()]))
  }

  /// The first consumer, which is always there.
  var first: KafkaInstance { state.withLock { $0.lanes[0] } }
  /// All consumers.
  var all: [KafkaInstance] { state.withLock { $0.lanes } }

  /// Ends the threads.
  func close() {
    let lanes = state.withLock { state in
      state.isClosed = true
      return state.lanes
    }
    for lane in lanes { lane.close() }
  }

  /// A consumer for one more channel; call ``release(_:)`` when the channel reads no more.
  func take() -> (lane: Int, instance: KafkaInstance) {
    state.withLock { state in
      var best = 0
      for index in state.load.indices where state.load[index] < state.load[best] { best = index }
      if state.load[best] >= Self.crowd, state.lanes.count < Self.maximum, !state.isClosed,
        // Without another one, those that are there do.
        let made = try? make()
      {
        best = state.lanes.count
        state.lanes.append(made)
        state.load.append(0)
      }
      state.load[best] += 1
      return (best, state.lanes[best])
    }
  }

  /// A channel reads no more.
  func release(_ lane: Int) {
    state.withLock { $0.load[lane] -= 1 }
  }
}
