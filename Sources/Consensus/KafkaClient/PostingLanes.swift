// Keeps busy topics from waiting for each other: more producers, as they are needed.

import CRdKafka
import Foundation
import Synchronization

/// The producers for one set of brokers.
///
/// Each has one connection to each broker, with one request in flight, and a request holds the records
/// of one topic. So a topic's records stay in order, but topics on one producer take turns, and a turn
/// takes as long as replication does. When too many have records on their way, another producer is made,
/// up to a bound; producers are shared, so that their number does not grow with that of the topics.
final class PostingLanes: Sendable {
  /// Makes one more producer; may wait for the network.
  typealias Maker = @Sendable () throws(KafkaError) -> KafkaInstance

  /// The most producers. Each takes a connection and a thread for each broker.
  static let maximum = 8
  /// Topics that share a producer before another one is made.
  static let crowd = 2

  private struct State {
    private enum Phase {
      /// → growing, closed
      case steady
      /// Another producer is being made. → steady, closed
      case growing
      /// Final.
      case closed
    }

    /// A topic counts as long as it has records under way.
    private(set) var lanes: Lanes
    private var phase = Phase.steady

    init(first: KafkaInstance) { lanes = Lanes(first: first) }

    /// The least loaded lane for one more topic, and whether another lane has to be made.
    mutating func take() -> (lane: Lane, grows: Bool) {
      let best = lanes.leastLoaded
      let instance = lanes.take(best)
      if case .steady = phase, lanes.load(of: best) > crowd, lanes.instances.count < maximum {
        phase = .growing
        return ((best, instance), true)
      }
      return ((best, instance), false)
    }

    mutating func release(_ lane: Int) { lanes.release(lane) }

    /// Takes the new producer, nil if none could be made; false if it comes too late.
    mutating func grown(_ made: KafkaInstance?) -> Bool {
      guard case .growing = phase else { return false }
      phase = .steady
      if let made { _ = lanes.add(made) }
      return true
    }

    /// The producers, whose threads the caller has to end.
    mutating func close() -> [KafkaInstance] {
      phase = .closed
      return lanes.close()
    }
  }

  fileprivate typealias Lane = (index: Int, instance: KafkaInstance)

  private let state: Mutex<State>
  private let make: Maker
  private let blocking: BlockingCalls

  /// - Throws: What the maker throws; the first producer is made at once.
  init(blocking: BlockingCalls, make: @escaping Maker) throws(KafkaError) {
    self.make = make
    self.blocking = blocking
    state = Mutex(State(first: try make()))
  }

  /// The first producer, which is always there.
  var first: KafkaInstance { state.withLock { $0.lanes.instances[0] } }
  /// All producers.
  var all: [KafkaInstance] { state.withLock { $0.lanes.instances } }

  /// Ends the threads.
  func close() {
    for lane in state.withLock({ $0.close() }) { lane.close() }
  }

  /// Picks the least loaded lane for a topic that has no records under way.
  fileprivate func take() -> Lane {
    let (lane, grows) = state.withLock { $0.take() }
    if grows { blocking.start { self.grow() } }
    return lane
  }

  /// All records of a topic are in it, or never will be.
  fileprivate func release(_ lane: Int) {
    state.withLock { $0.release(lane) }
  }

  private func grow() {
    // If that fails, the lanes that are there will do; the next crowd tries again.
    let made = try? make()
    if let made {
      // The first record should not have to wait for the connection.
      _ = try? ClusterMetadata.ask(made, timeout: 1_000)
    }
    if !state.withLock({ $0.grown(made) }) { made?.close() }
  }
}

/// A topic to post to. While it has records under way, all of them take the same lane.
package final class PostingTopic: Sendable {
  private struct State {
    enum Phase {
      /// No records are under way. → posting
      case idle
      /// So many groups of records, at least one, are under way in a lane. → idle
      case posting(groups: Int, lane: Int)
    }

    var phase = Phase.idle
    /// The topic as each lane knows it, as far as it was needed there.
    var handles: [KafkaTopic?]
  }

  package let name: String
  private let lanes: PostingLanes
  private let state: Mutex<State>

  init(_ name: String, _ lanes: PostingLanes) throws(KafkaError) {
    self.name = name
    self.lanes = lanes
    state = Mutex(State(handles: [try KafkaTopic(name, of: lanes.first)]))
  }

  /// Posts records to the first partition, in order. Does not wait: the brokers' word comes with the
  /// delivery.
  package func post(_ records: [[UInt8]]) -> Delivery {
    guard !records.isEmpty else { return Delivery(count: 0) }
    let topic = state.withLock { state in
      let index: Int
      switch state.phase {
      case .idle:
        let (lane, instance) = lanes.take()
        while state.handles.count <= lane { state.handles.append(nil) }
        if state.handles[lane] == nil { state.handles[lane] = try? KafkaTopic(name, of: instance) }
        state.phase = .posting(groups: 1, lane: lane)
        index = lane
      case .posting(let groups, let lane):
        state.phase = .posting(groups: groups + 1, lane: lane)
        index = lane
      }
      // The first lane's is made first, and always there.
      return state.handles[index] ?? state.handles[0]
    }
    let delivery = Delivery(count: records.count) { [self] in
      let lane: Int? = state.withLock { state in
        guard case .posting(let groups, let lane) = state.phase else { return nil }
        state.phase = groups > 1 ? .posting(groups: groups - 1, lane: lane) : .idle
        return groups > 1 ? nil : lane
      }
      if let lane { lanes.release(lane) }
    }
    if let topic { Self.produce(records, to: topic, delivery) }
    return delivery
  }

  private static func produce(_ records: [[UInt8]], to topic: KafkaTopic, _ delivery: Delivery) {
    // The key that Go nodes use: the number of the partition.
    var key = UInt8(ascii: "0")
    withUnsafeMutableBytes(of: &key) { key in
      var messages = records.map { bytes in
        var message = rd_kafka_message_t()
        // librdkafka frees what it has taken.
        message.payload = malloc(max(bytes.count, 1))
        message.len = bytes.count
        bytes.withUnsafeBytes { source in
          guard let from = source.baseAddress else { return }
          message.payload?.copyMemory(from: from, byteCount: source.count)
        }
        message.key = key.baseAddress
        message.key_len = key.count
        // Balanced by the report: each message that was taken gets exactly one.
        message._private = Unmanaged.passRetained(delivery).toOpaque()
        return message
      }
      let taken = rd_kafka_produce_batch(
        topic.handle, 0, RD_KAFKA_MSG_F_FREE, &messages, Int32(messages.count))
      guard taken < messages.count else { return }
      for message in messages where message.err != RD_KAFKA_RESP_ERR_NO_ERROR {
        free(message.payload)
        KafkaEvents.report(message)
      }
    }
  }
}
