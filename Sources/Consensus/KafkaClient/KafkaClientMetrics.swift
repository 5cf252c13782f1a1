// The metrics below `consensus_kafka` that tell of brokers and topics: Fabric gets them from its Kafka
// library, this program from librdkafka's reports.

import Concurrency
import Foundation
import MetricDescriptions
import Metrics
import Synchronization

/// The metrics of all Kafka clients of a process.
///
/// Rates are averages over about a minute, sizes and latencies over about five, both weighted towards
/// the present, as those of the Go library. All producers and consumers count together.
package final class KafkaClientMetrics: Sendable {
  /// Tells one producer or consumer from another.
  typealias Source = UInt

  /// Brokers and topics that are measured; further ones are not.
  static let maximumBrokers = 1_000
  static let maximumTopics = 10_000

  /// How often librdkafka reports.
  static let interval = Duration.seconds(10)

  private struct BrokerGauges {
    let incoming, outgoing, requestRate, requestSize, latency, responseRate, responseSize: Gauge
    var bytesIn = Meter()
    var bytesOut = Meter()
    var requests = Meter()
    var responses = Meter()
    var requestBytes = RecentMean()
    var responseBytes = RecentMean()
    var milliseconds = RecentMean()
    /// The counters of each source in its last report.
    var last: [Source: KafkaStatistics.Broker] = [:]
  }

  private struct TopicGauges {
    let batchSize, compressionRatio, sendRate, recordsPerRequest: Gauge
    var records = Meter()
    var batchBytes = RecentMean()
    var batchRecords = RecentMean()
    var last: [Source: KafkaStatistics.Topic] = [:]
  }

  private struct State {
    var nextSource: Source = 0
    var brokers: [Int: BrokerGauges] = [:]
    var topics: [String: TopicGauges] = [:]
  }

  private let factory: any MetricsFactory
  private let state = Mutex(State())

  package init(factory: any MetricsFactory) {
    self.factory = factory
  }

  /// Whether anybody looks. Reports cost some CPU, so there are none if nobody does.
  var isRecording: Bool { factory.isRecording }

  /// A name for one more producer or consumer.
  func makeSource() -> Source {
    state.withLock { state in
      state.nextSource += 1
      return state.nextSource
    }
  }

  /// Takes a report.
  func take(_ statistics: KafkaStatistics, from source: Source, at now: TimeSource.Instant) {
    state.withLock { state in
      for broker in statistics.brokers where broker.id >= 0 {
        take(broker, source, &state, now)
      }
      for topic in statistics.topics { take(topic, source, &state, now) }
    }
  }

  private func take(
    _ new: KafkaStatistics.Broker, _ source: Source, _ state: inout State,
    _ now: TimeSource.Instant
  ) {
    guard var broker = state.brokers[new.id] ?? makeBroker(new.id, state.brokers.count) else {
      return
    }
    let old = broker.last.updateValue(new, forKey: source) ?? KafkaStatistics.Broker()
    let requests = max(new.requests - old.requests, 0)
    let responses = max(new.responses - old.responses, 0)
    let requestBytes = max(new.requestBytes - old.requestBytes, 0)
    let responseBytes = max(new.responseBytes - old.responseBytes, 0)
    broker.incoming.record(broker.bytesIn.add(responseBytes, at: now))
    broker.outgoing.record(broker.bytesOut.add(requestBytes, at: now))
    broker.requestRate.record(broker.requests.add(requests, at: now))
    broker.responseRate.record(broker.responses.add(responses, at: now))
    broker.requestSize.record(broker.requestBytes.add(requestBytes, requests, at: now))
    broker.responseSize.record(broker.responseBytes.add(responseBytes, responses, at: now))
    broker.latency.record(
      broker.milliseconds.add(new.latency.sum / 1000, new.latency.count, at: now))
    state.brokers[new.id] = broker
  }

  private func take(
    _ new: KafkaStatistics.Topic, _ source: Source, _ state: inout State,
    _ now: TimeSource.Instant
  ) {
    // Consumers know the topics too, but send them nothing.
    guard new.records > 0 || state.topics[new.name] != nil,
      var topic = state.topics[new.name] ?? makeTopic(new.name, state.topics.count)
    else { return }
    let old = topic.last.updateValue(new, forKey: source)?.records ?? 0
    topic.sendRate.record(topic.records.add(max(new.records - old, 0), at: now))
    topic.batchSize.record(
      topic.batchBytes.add(new.batchBytes.sum, new.batchBytes.count, at: now))
    topic.recordsPerRequest.record(
      topic.batchRecords.add(new.batchRecords.sum, new.batchRecords.count, at: now))
    // In percent: nothing is compressed.
    topic.compressionRatio.record(100)
    state.topics[new.name] = topic
  }

  private func makeBroker(_ id: Int, _ count: Int) -> BrokerGauges? {
    guard count < Self.maximumBrokers else { return nil }
    func gauge(_ description: MetricDescription) -> Gauge { factory.gauge(description, "\(id)") }
    return BrokerGauges(
      incoming: gauge(Self.incomingByteRate), outgoing: gauge(Self.outgoingByteRate),
      requestRate: gauge(Self.requestRate), requestSize: gauge(Self.requestSize),
      latency: gauge(Self.requestLatency), responseRate: gauge(Self.responseRate),
      responseSize: gauge(Self.responseSize))
  }

  private func makeTopic(_ name: String, _ count: Int) -> TopicGauges? {
    guard count < Self.maximumTopics else { return nil }
    // Dots separate names in some monitoring systems; the Go library replaces them.
    let label = String(name.map { $0 == "." ? "_" : $0 })
    func gauge(_ description: MetricDescription) -> Gauge { factory.gauge(description, label) }
    return TopicGauges(
      batchSize: gauge(Self.batchSize), compressionRatio: gauge(Self.compressionRatio),
      sendRate: gauge(Self.recordSendRate), recordsPerRequest: gauge(Self.recordsPerRequest))
  }
}

extension KafkaClientMetrics {
  private static let batchSize = topic(
    "batch_size", "Mean size in bytes of the batches that were sent to a topic.")
  private static let compressionRatio = topic(
    "compression_ratio", "Mean compression ratio of a topic's batches, in percent.")
  private static let recordSendRate = topic(
    "record_send_rate", "Records per second that go to a topic.")
  private static let recordsPerRequest = topic(
    "records_per_request", "Mean number of records in a request to a topic.")
  private static let incomingByteRate = broker(
    "incoming_byte_rate", "Bytes per second that come from a broker.")
  private static let outgoingByteRate = broker(
    "outgoing_byte_rate", "Bytes per second that go to a broker.")
  private static let requestLatency = broker(
    "request_latency", "Mean latency of requests to a broker, in milliseconds.")
  private static let requestRate = broker(
    "request_rate", "Requests per second that go to a broker.")
  private static let requestSize = broker(
    "request_size", "Mean size of the requests to a broker, in bytes.")
  private static let responseRate = broker(
    "response_rate", "Responses per second that come from a broker.")
  private static let responseSize = broker(
    "response_size", "Mean size of the responses from a broker, in bytes.")

  /// Every metric that is recorded here.
  package static let descriptions = [
    batchSize, compressionRatio, recordSendRate, recordsPerRequest, incomingByteRate,
    outgoingByteRate, requestLatency, requestRate, requestSize, responseRate, responseSize,
  ]

  private static func topic(_ name: String, _ help: String) -> MetricDescription {
    .gauge("consensus.kafka." + name, labels: ["topic"], help)
  }

  private static func broker(_ name: String, _ help: String) -> MetricDescription {
    .gauge("consensus.kafka." + name, labels: ["broker_id"], help)
  }
}

/// Events per second, as an average that forgets: what was a minute ago weighs a third of the present.
struct Meter {
  /// The rate, and since when events have been counted that are not in it.
  private var average: (rate: Double, since: TimeSource.Instant)?
  private var events = 0.0

  /// Reports that come closer together than this, from several sources, count as one.
  static let shortest = Duration.seconds(4)

  /// Counts events that happened since the last call; the rate.
  mutating func add(_ count: Double, at now: TimeSource.Instant) -> Double {
    events += count
    let elapsed = average.map { now - $0.since } ?? KafkaClientMetrics.interval
    guard elapsed >= Self.shortest else { return average?.rate ?? 0 }
    let seconds = elapsed / .seconds(1)
    let current = events / seconds
    let rate = average.map { $0.rate + (current - $0.rate) * (1 - exp(-seconds / 60)) } ?? current
    events = 0
    average = (rate, now)
    return rate
  }
}

/// A mean that forgets: what was five minutes ago weighs a third of the present.
struct RecentMean {
  private var sum = 0.0
  private var count = 0.0
  private var since: TimeSource.Instant?

  /// Adds the sum of some values; the mean, 0 without any.
  mutating func add(_ values: Double, _ number: Double, at now: TimeSource.Instant) -> Double {
    let elapsed = since.map { max((now - $0) / .seconds(1), 0) } ?? 0
    since = now
    // Means stay, however long ago the values were.
    let weight = number > 0 ? exp(-elapsed / 300) : 1
    sum = sum * weight + values
    count = count * weight + number
    return count > 0 ? sum / count : 0
  }
}
