// What a chain needs of its brokers.

import Concurrency
import KafkaClient

/// The brokers of a channel: a ``KafkaClient`` in the node, an invention in tests.
protocol ChannelBrokers: Sendable {
  /// Whether no broker can be reached.
  var isDown: Bool { get }
  /// Why no broker can be reached; nil if one can.
  var problem: String? { get }
  /// Tells when the brokers go, with the reason, and come back (nil); at once if they are gone.
  func observe(_ observer: @escaping KafkaClient.Observer) -> UInt
  func stopObserving(_ id: UInt)
  /// Tells when the leader of a topic that is read may be out of reach.
  func observeLeader(of topic: String, _ observer: @escaping LeaderWatch.Observer)
  func stopObservingLeader(of topic: String)

  /// Creates a topic with one partition unless it exists.
  func createTopic(_ name: String) async throws(KafkaError)
  /// Describes the replicas of a topic; nil if the brokers do not tell.
  func replicas(of topic: String) async -> String?
  /// A topic to post to.
  func writer(of topic: String) throws(KafkaError) -> any TopicWriter
  /// A topic to read from; the wake-up is set when there is something to read.
  func reader(of topic: String, wakeUp: WakeUp) throws(KafkaError) -> any TopicReader
}

/// A topic that is posted to.
protocol TopicWriter: Sendable {
  /// Posts records in order, without waiting: the brokers' word comes with the delivery.
  func post(_ records: [[UInt8]]) -> Delivery
}

/// A topic that is read.
protocol TopicReader: Sendable {
  /// What was read; the record is nil if its bytes are none.
  typealias Item = PartitionReader.Item<KafkaRecord?>

  /// Begins to read at an offset, which is not negative.
  func start(at offset: Int64) throws(KafkaError)
  /// Stops reading; ``start(at:)`` may be called again.
  func stop() async
  /// What is there now, in order.
  func read() -> [Item]
  /// The first offset that the topic has, and the one after its last; nil if the brokers do not tell.
  func offsets(timeout: Duration) async -> Range<Int64>?
}

extension TopicWriter {
  /// Posts one record.
  func post(_ record: KafkaRecord) -> Delivery { post([record.serialized()]) }
}

extension KafkaClient: ChannelBrokers {
  func writer(of topic: String) throws(KafkaError) -> any TopicWriter { try self.topic(topic) }

  func reader(of topic: String, wakeUp: WakeUp) throws(KafkaError) -> any TopicReader {
    try reader(topic, wakeUp: wakeUp)
  }
}

extension PostingTopic: TopicWriter {}

extension PartitionReader: TopicReader {
  func read() -> [TopicReader.Item] { read { try? KafkaRecord(serialized: $0) } }
}
