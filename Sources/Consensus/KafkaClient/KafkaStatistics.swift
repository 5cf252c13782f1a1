// What librdkafka reports about itself, as far as there are metrics for it.

import Foundation

/// One report of one producer or consumer. Counters count from its start, windows since its last
/// report.
///
/// Reports come from the linked library, and newer versions report other things: what is missing or
/// of another type counts as 0, and what is unknown is ignored.
struct KafkaStatistics: Sendable, Equatable {
  /// A sum over some events.
  struct Window: Sendable, Equatable {
    var sum = 0.0
    var count = 0.0
  }

  /// One broker.
  struct Broker: Sendable, Equatable {
    /// The broker's number in its cluster; negative as long as only an address is known.
    var id = -1
    var requests = 0.0
    var requestBytes = 0.0
    var responses = 0.0
    var responseBytes = 0.0
    /// Microseconds from request to response.
    var latency = Window()
  }

  /// One topic.
  struct Topic: Sendable, Equatable {
    var name: String
    /// Records that were sent.
    var records = 0.0
    /// Bytes in the batches that were sent.
    var batchBytes = Window()
    /// Records in the batches that were sent.
    var batchRecords = Window()
  }

  var brokers: [Broker] = []
  var topics: [Topic] = []

  /// A longer report is not read. One topic takes about 3 kB.
  static let maximumBytes = 16 << 20
  /// Brokers and topics of one report that are read.
  static let maximumBrokers = 1_000
  static let maximumTopics = 10_000

  /// Reads a report; nil if it is no JSON object, or too long.
  init?(json: UnsafeRawBufferPointer) {
    guard json.count <= Self.maximumBytes,
      let report = try? JSONDecoder().decode(Report.self, from: Data(json))
    else { return nil }
    brokers = report.brokers
    topics = report.topics
  }
}

/// A report's outline. Everything in it is optional.
private struct Report: Decodable {
  var brokers: [KafkaStatistics.Broker]
  var topics: [KafkaStatistics.Topic]

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(_ name: String) { stringValue = name }
  }

  private typealias Container = KeyedDecodingContainer<Key>

  init(from decoder: any Decoder) throws {
    let report = try decoder.container(keyedBy: Key.self)
    brokers = Self.entries(of: "brokers", in: report, at: KafkaStatistics.maximumBrokers) {
      _, broker in
      KafkaStatistics.Broker(
        id: Int(exactly: Self.number("nodeid", in: broker, or: -1)) ?? -1,
        requests: Self.number("tx", in: broker), requestBytes: Self.number("txbytes", in: broker),
        responses: Self.number("rx", in: broker), responseBytes: Self.number("rxbytes", in: broker),
        latency: Self.window("rtt", in: broker))
    }
    topics = Self.entries(of: "topics", in: report, at: KafkaStatistics.maximumTopics) {
      name, topic in
      // All records are in partition 0; the one called -1 holds those that have none yet.
      let partitions = Self.object("partitions", in: topic)
      let first = partitions.flatMap { Self.object("0", in: $0) }
      return KafkaStatistics.Topic(
        name: name, records: first.map { Self.number("txmsgs", in: $0) } ?? 0,
        batchBytes: Self.window("batchsize", in: topic),
        batchRecords: Self.window("batchcnt", in: topic))
    }
  }

  private static func entries<Value>(
    of name: String, in container: Container, at most: Int, _ read: (String, Container) -> Value
  ) -> [Value] {
    guard let list = object(name, in: container) else { return [] }
    return list.allKeys.prefix(most).compactMap { key in
      object(key.stringValue, in: list).map { read(key.stringValue, $0) }
    }
  }

  private static func object(_ name: String, in container: Container) -> Container? {
    try? container.nestedContainer(keyedBy: Key.self, forKey: Key(name))
  }

  private static func number(
    _ name: String, in container: Container, or missing: Double = 0
  ) -> Double {
    guard let value = try? container.decode(Double.self, forKey: Key(name)), value.isFinite else {
      return missing
    }
    return value
  }

  private static func window(_ name: String, in container: Container) -> KafkaStatistics.Window {
    guard let values = object(name, in: container) else { return KafkaStatistics.Window() }
    return KafkaStatistics.Window(
      sum: number("sum", in: values), count: number("cnt", in: values))
  }
}
