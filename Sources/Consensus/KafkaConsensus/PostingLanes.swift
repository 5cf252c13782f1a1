// Keeps busy channels from waiting for each other: more producers, as they are needed.

import CRdKafka
import Foundation
import Synchronization

/// The producers for one set of brokers.
///
/// Each has one connection to each broker, with one request in flight, and a request holds the records
/// of one channel. So a channel's records stay in order, but channels on one producer take turns, each
/// turn as long as replication takes. With every channel on its way, a producer more is made, up to a
/// bound; they are shared, so that their number does not grow with that of the channels.
final class PostingLanes: Sendable {
  /// Makes one more producer; may wait for the network.
  typealias Maker = @Sendable () throws(KafkaError) -> KafkaInstance

  /// Producers at most. One takes a connection to each broker and a thread for each.
  static let maximum = 8
  /// Channels that share a producer before another one is made.
  static let crowd = 2

  private struct State {
    /// A topic counts as long as it has records under way.
    var lanes: Lanes
    var isGrowing = false
  }

  private let state: Mutex<State>
  private let make: Maker
  private let blocking: DispatchQueue

  /// - Throws: What the maker throws; the first producer is made at once.
  init(blocking: DispatchQueue, make: @escaping Maker) throws(KafkaError) {
    self.make = make
    self.blocking = blocking
    state = Mutex(State(lanes: Lanes(first: try make())))
  }

  /// The first producer, which is always there.
  var first: KafkaInstance { state.withLock { $0.lanes.instances[0] } }
  /// All producers.
  var all: [KafkaInstance] { state.withLock { $0.lanes.instances } }

  /// Ends the threads.
  func close() {
    for lane in state.withLock({ $0.lanes.close() }) { lane.close() }
  }

  /// Picks the least loaded lane for a topic that has no records under way.
  fileprivate func take() -> (index: Int, instance: KafkaInstance) {
    let (lane, grows) = state.withLock { state in
      let best = state.lanes.leastLoaded
      let instance = state.lanes.take(best)
      let grows =
        state.lanes.load(of: best) > Self.crowd && state.lanes.instances.count < Self.maximum
        && !state.isGrowing && !state.lanes.isClosed
      if grows { state.isGrowing = true }
      return ((best, instance), grows)
    }
    if grows { blocking.async { self.grow() } }
    return lane
  }

  /// All records of a topic are in it, or never will be.
  fileprivate func release(_ lane: Int) {
    state.withLock { $0.lanes.release(lane) }
  }

  private func grow() {
    // If that fails, the lanes that are there do; the next crowd tries again.
    let made = try? make()
    if let made {
      // The first record should not have to wait for the connection.
      var metadata: UnsafePointer<rd_kafka_metadata>?
      _ = rd_kafka_metadata(made.handle, 0, nil, &metadata, 1000)
      if let metadata { rd_kafka_metadata_destroy(metadata) }
    }
    let isLate = state.withLock { state in
      state.isGrowing = false
      guard let made, !state.lanes.isClosed else { return true }
      _ = state.lanes.add(made)
      return false
    }
    if isLate { made?.close() }
  }
}

/// A topic to post to. As long as it has records under way, all of them take the same lane.
final class PostingTopic: Sendable {
  private struct State {
    var lane = 0
    var underWay = 0
    /// The topic as each lane knows it, as far as it was needed there.
    var handles: [KafkaTopic?]
  }

  let name: String
  private let lanes: PostingLanes
  private let state: Mutex<State>

  init(_ name: String, _ lanes: PostingLanes) throws(KafkaError) {
    self.name = name
    self.lanes = lanes
    state = Mutex(State(handles: [try KafkaTopic(name, of: lanes.first)]))
  }

  /// Posts records to the first partition, in order. Takes no time: the brokers' word comes with the
  /// delivery.
  func post(_ records: [KafkaRecord]) -> Delivery {
    guard !records.isEmpty else { return Delivery(count: 0) }
    let topic = state.withLock { state in
      if state.underWay == 0 {
        let (lane, instance) = lanes.take()
        while state.handles.count <= lane { state.handles.append(nil) }
        if state.handles[lane] == nil { state.handles[lane] = try? KafkaTopic(name, of: instance) }
        state.lane = lane
      }
      state.underWay += 1
      // The first lane's is made first, and always there.
      return state.handles[state.lane] ?? state.handles[0]
    }
    let delivery = Delivery(count: records.count) { [self] in
      let lane: Int? = state.withLock { state in
        state.underWay -= 1
        return state.underWay == 0 ? state.lane : nil
      }
      if let lane { lanes.release(lane) }
    }
    if let topic { Self.produce(records, to: topic, delivery) }
    return delivery
  }

  private static func produce(_ records: [KafkaRecord], to topic: KafkaTopic, _ delivery: Delivery)
  {
    // The key that Go nodes use: the number of the partition.
    var key = UInt8(ascii: "0")
    withUnsafeMutableBytes(of: &key) { key in
      var messages = records.map { record in
        let bytes = record.serialized()
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
        // Balanced by the report, of which each message that was taken gets exactly one.
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
