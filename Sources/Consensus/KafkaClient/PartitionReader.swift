// Reads one topic's records.

import CRdKafka
import Concurrency

/// The records of a topic's only partition, in order, from an offset on.
///
/// librdkafka reads ahead into a queue of the topic's own, which has a bound; it calls back when
/// something comes into the empty queue, and taking it out never waits. So a topic without traffic
/// has no thread, no timer and no task that runs.
package final class PartitionReader: Sendable {
  /// What was in the queue.
  package enum Item<Record: Sendable>: Sendable {
    case record(Record, offset: Int64)
    /// The wanted offset is not in the topic.
    case offsetUnavailable
    /// Reading has a problem, and goes on if it passes.
    case problem(KafkaError)
  }

  /// Records that are taken out at once, at most.
  package static let maximumBatch = 320

  private let topic: KafkaTopic
  /// Safe to use from any thread, as all of librdkafka's objects.
  private nonisolated(unsafe) let queue: OpaquePointer
  private let wakeUp: WakeUp
  private let blocking: BlockingCalls
  private let whenGone: @Sendable () -> Void

  /// - Parameters:
  ///   - wakeUp: Is set when there is something to ``read()``.
  ///   - whenGone: Called when the reader is gone, even if it could not be made.
  init(
    _ topic: KafkaTopic, wakeUp: WakeUp, blocking: BlockingCalls,
    whenGone: @escaping @Sendable () -> Void
  ) throws(KafkaError) {
    guard let queue = rd_kafka_queue_new(topic.instance.handle) else {
      whenGone()
      throw .client("no queue for the topic \(topic.name)")
    }
    self.whenGone = whenGone
    self.topic = topic
    self.queue = queue
    self.wakeUp = wakeUp
    self.blocking = blocking
    // The callback ends with the queue, which this object outlives together with the wake-up.
    rd_kafka_queue_cb_event_enable(
      queue,
      { _, opaque in
        guard let opaque else { return }
        Unmanaged<WakeUp>.fromOpaque(opaque).takeUnretainedValue().set()
      }, Unmanaged.passUnretained(wakeUp).toOpaque())
  }

  deinit {
    rd_kafka_queue_cb_event_enable(queue, nil, nil)
    rd_kafka_queue_destroy(queue)
    whenGone()
  }

  /// Begins to read.
  ///
  /// - Parameter offset: Of the first record, not negative.
  package func start(at offset: Int64) throws(KafkaError) {
    guard rd_kafka_consume_start_queue(topic.handle, 0, offset, queue) == 0 else {
      throw KafkaError("read the topic \(topic.name)", rd_kafka_last_error())
    }
  }

  /// Stops reading; ``start(at:)`` may be called again.
  package func stop() async {
    await blocking.run { _ = rd_kafka_consume_stop(self.topic.handle, 0) }
  }

  /// What is there now, in order, at most ``maximumBatch``.
  ///
  /// - Parameter decode: Makes a record of its bytes, which are valid only within the call.
  package func read<Record>(
    _ decode: (UnsafeRawBufferPointer) -> Record
  ) -> [Item<Record>] {
    withUnsafeTemporaryAllocation(
      of: UnsafeMutablePointer<rd_kafka_message_t>?.self, capacity: Self.maximumBatch
    ) { buffer in
      buffer.initialize(repeating: nil)
      let count = rd_kafka_consume_batch_queue(queue, 0, buffer.baseAddress, buffer.count)
      guard count > 0 else { return [] }
      return buffer.prefix(Int(count)).compactMap { pointer in
        guard let pointer else { return nil }
        defer { rd_kafka_message_destroy(pointer) }
        return item(pointer.pointee, decode)
      }
    }
  }

  private func item<Record>(
    _ message: rd_kafka_message_t, _ decode: (UnsafeRawBufferPointer) -> Record
  ) -> Item<Record>? {
    switch message.err {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.len)
      return .record(decode(bytes), offset: message.offset)
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: return nil
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return .offsetUnavailable
    default: return .problem(KafkaError("read the topic \(topic.name)", message.err))
    }
  }

  /// The first offset that the topic has, and the one after its last; nil if the brokers do not tell.
  package func offsets(timeout: Duration) async -> Range<Int64>? {
    await blocking.run {
      var low: Int64 = 0
      var high: Int64 = 0
      let code = rd_kafka_query_watermark_offsets(
        self.topic.instance.handle, self.topic.name, 0, &low, &high,
        Int32(min(timeout.milliseconds, 60_000)))
      return code == RD_KAFKA_RESP_ERR_NO_ERROR && low <= high ? low..<high : nil
    }
  }
}
