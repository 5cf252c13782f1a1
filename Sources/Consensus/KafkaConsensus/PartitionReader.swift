// Reads one channel's records.

import CRdKafka
import Dispatch
import Logging

/// The records of a topic's only partition, in order, from an offset on.
///
/// librdkafka reads ahead into a queue of the channel's own, which has a bound; it calls back when
/// something comes into the empty queue, and taking it out never waits. So a channel without traffic
/// has no thread, no timer and no task that runs.
final class PartitionReader: Sendable {
  /// What was in the queue.
  enum Item: Sendable {
    /// A record; nil if it cannot be decoded.
    case record(KafkaRecord?, offset: Int64)
    /// The wanted offset is not in the topic.
    case offsetUnavailable
    /// Reading has a problem, and goes on if it passes.
    case problem(KafkaError)
  }

  /// Records that are taken out at once.
  static let maximumBatch = 320

  private let topic: KafkaTopic
  /// Safe to use from any thread, as all of librdkafka's objects.
  private nonisolated(unsafe) let queue: OpaquePointer
  private let wakeup: Wakeup
  private let blocking: DispatchQueue
  private let whenGone: @Sendable () -> Void

  /// - Parameters:
  ///   - wakeup: Is set when there is something to ``read()``.
  ///   - whenGone: Is called when the reader, made or not, is no more.
  init(
    _ topic: KafkaTopic, wakeup: Wakeup, blocking: DispatchQueue,
    whenGone: @escaping @Sendable () -> Void
  ) throws(KafkaError) {
    guard let queue = rd_kafka_queue_new(topic.instance.handle) else {
      whenGone()
      throw .client("no queue for the topic \(topic.name)")
    }
    self.whenGone = whenGone
    self.topic = topic
    self.queue = queue
    self.wakeup = wakeup
    self.blocking = blocking
    // The callback ends with the queue, which this object outlives together with the wake-up.
    rd_kafka_queue_cb_event_enable(
      queue,
      { _, opaque in
        guard let opaque else { return }
        Unmanaged<Wakeup>.fromOpaque(opaque).takeUnretainedValue().set()
      }, Unmanaged.passUnretained(wakeup).toOpaque())
  }

  deinit {
    rd_kafka_queue_cb_event_enable(queue, nil, nil)
    rd_kafka_queue_destroy(queue)
    whenGone()
  }

  /// Begins to read.
  ///
  /// - Parameter offset: Of the first record, not negative.
  func start(at offset: Int64) throws(KafkaError) {
    guard rd_kafka_consume_start_queue(topic.handle, 0, offset, queue) == 0 else {
      throw KafkaError("read the topic \(topic.name)", rd_kafka_last_error())
    }
  }

  /// Stops reading; ``start(at:)`` may be called again.
  func stop() async {
    await withCheckedContinuation { continuation in
      blocking.async {
        rd_kafka_consume_stop(self.topic.handle, 0)
        continuation.resume()
      }
    }
  }

  /// What is there now, in order.
  func read() -> [Item] {
    withUnsafeTemporaryAllocation(
      of: UnsafeMutablePointer<rd_kafka_message_t>?.self, capacity: Self.maximumBatch
    ) { buffer in
      buffer.initialize(repeating: nil)
      let count = rd_kafka_consume_batch_queue(queue, 0, buffer.baseAddress, buffer.count)
      guard count > 0 else { return [] }
      return buffer.prefix(Int(count)).compactMap { pointer in
        guard let pointer else { return nil }
        defer { rd_kafka_message_destroy(pointer) }
        return item(pointer.pointee)
      }
    }
  }

  private func item(_ message: rd_kafka_message_t) -> Item? {
    switch message.err {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.len)
      return .record(try? KafkaRecord(serialized: bytes), offset: message.offset)
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: return nil
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return .offsetUnavailable
    default: return .problem(KafkaError("read the topic \(topic.name)", message.err))
    }
  }

  /// The first offset that the topic has, and the one after its last.
  func offsets(timeout: Duration) async -> Range<Int64>? {
    await withCheckedContinuation { continuation in
      blocking.async {
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_query_watermark_offsets(
          self.topic.instance.handle, self.topic.name, 0, &low, &high,
          Int32(min(timeout.milliseconds, 60_000)))
        let known = code == RD_KAFKA_RESP_ERR_NO_ERROR && low <= high
        continuation.resume(returning: known ? low..<high : nil)
      }
    }
  }
}
