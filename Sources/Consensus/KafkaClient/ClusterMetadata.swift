// What the brokers tell about themselves and their topics.

import CRdKafka

/// An answer to a request for metadata.
struct ClusterMetadata: Sendable {
  /// One topic.
  struct Topic: Sendable {
    var name: String
    /// Whether the brokers know the topic.
    var isKnown: Bool
    /// The first partition; nil if the topic has none.
    var first: Partition?
  }

  /// One partition.
  struct Partition: Sendable {
    /// Number of the leading broker; negative if there is none.
    var leader: Int32
    /// Numbers of the brokers that have a copy.
    var replicas: [Int32]
    /// Those whose copy is complete.
    var inSync: [Int32]
  }

  /// The brokers' addresses, as `host:port`, by their numbers.
  var brokers: [Int32: String] = [:]
  var topics: [Topic] = []

  /// Asks for metadata, and waits for the answer. Call this where blocking is allowed.
  ///
  /// - Parameters:
  ///   - topic: The topic to ask about; nil for all those that the instance uses.
  ///   - timeout: In milliseconds.
  /// - Throws: Why there was no answer.
  static func ask(
    _ instance: KafkaInstance, about topic: KafkaTopic? = nil, timeout: Int32
  ) throws(KafkaError) -> ClusterMetadata {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    defer { if let metadata { rd_kafka_metadata_destroy(metadata) } }
    let code = rd_kafka_metadata(instance.handle, 0, topic?.handle, &metadata, timeout)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(topic.map { "ask for the topic \($0.name)" } ?? "ask the brokers", code)
    }
    return metadata.map { ClusterMetadata($0.pointee) } ?? ClusterMetadata()
  }

  private init() {}

  private init(_ answer: rd_kafka_metadata) {
    for broker in UnsafeBufferPointer(start: answer.brokers, count: Int(answer.broker_cnt)) {
      guard let host = broker.host else { continue }
      brokers[broker.id] = "\(String(cString: host)):\(broker.port)"
    }
    for topic in UnsafeBufferPointer(start: answer.topics, count: Int(answer.topic_cnt)) {
      guard let name = topic.topic else { continue }
      topics.append(
        Topic(
          name: String(cString: name), isKnown: topic.err == RD_KAFKA_RESP_ERR_NO_ERROR,
          first: topic.partition_cnt > 0 ? Partition(topic.partitions[0]) : nil))
    }
  }
}

extension ClusterMetadata.Partition {
  fileprivate init(_ partition: rd_kafka_metadata_partition) {
    func list(_ brokers: UnsafeMutablePointer<Int32>?, _ count: Int32) -> [Int32] {
      Array(UnsafeBufferPointer(start: brokers, count: brokers == nil ? 0 : Int(count)))
    }
    leader = partition.leader
    replicas = list(partition.replicas, partition.replica_cnt)
    inSync = list(partition.isrs, partition.isr_cnt)
  }
}
