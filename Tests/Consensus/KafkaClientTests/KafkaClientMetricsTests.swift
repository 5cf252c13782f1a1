// From librdkafka's reports to the metrics of the Go implementation.

import CoreMetrics
import Foundation
import MetricsTestKit
import Testing

@testable import KafkaClient

@Suite struct KafkaClientMetricsTests {
  private let factory = TestMetrics()
  private let begin = ContinuousClock.now

  private func report(_ json: String) throws -> KafkaStatistics {
    try #require(parse(json))
  }

  private func parse(_ json: String) -> KafkaStatistics? {
    Array(json.utf8).withUnsafeBytes { KafkaStatistics(json: $0) }
  }

  private func value(_ name: String, _ label: String, _ value: String) throws -> Double? {
    try factory.expectGauge("consensus_kafka_\(name)", [(label, value)]).lastValue
  }

  private func broker(tx: Int, txbytes: Int, rx: Int, rxbytes: Int, rtt: (Int, Int)) -> String {
    """
    {"nodeid":3,"state":"UP","tx":\(tx),"txbytes":\(txbytes),"rx":\(rx),"rxbytes":\(rxbytes),
     "rtt":{"sum":\(rtt.0),"cnt":\(rtt.1),"avg":0},"req":{"Fetch":7},"toppars":{}}
    """
  }

  @Test func aReportIsReadAsFarAsItIsNeeded() throws {
    let statistics = try report(
      """
      {"name":"orderer#producer-1","ts":1,"brokers":{
        "b:1/3":\(broker(tx: 10, txbytes: 2000, rx: 9, rxbytes: 900, rtt: (5000, 5))),
        "b:1/bootstrap":{"nodeid":-1,"tx":1}},
       "topics":{"my.channel":{"topic":"my.channel","batchsize":{"sum":3000,"cnt":3},
         "batchcnt":{"sum":6,"cnt":3},
         "partitions":{"0":{"txmsgs":6,"txbytes":3000},"-1":{"txmsgs":99}}}}}
      """)
    #expect(statistics.brokers.count == 2)
    let known = try #require(statistics.brokers.first { $0.id == 3 })
    #expect(
      known
        == KafkaStatistics.Broker(
          id: 3, requests: 10, requestBytes: 2000, responses: 9, responseBytes: 900,
          latency: KafkaStatistics.Window(sum: 5000, count: 5)))
    #expect(
      statistics.topics == [
        KafkaStatistics.Topic(
          name: "my.channel", records: 6,
          batchBytes: KafkaStatistics.Window(sum: 3000, count: 3),
          batchRecords: KafkaStatistics.Window(sum: 6, count: 3))
      ])
  }

  @Test func whatIsOddInAReportIsPassedOver() throws {
    #expect(parse("") == nil)
    #expect(parse("[]") == nil)
    #expect(parse("{") == nil)
    #expect(parse(String(repeating: "[", count: 100_000)) == nil)
    #expect(parse("{}")?.brokers == [])
    let statistics = try report(
      """
      {"brokers":{"a":7,"b":{"nodeid":"one","tx":"many","rtt":[]},"c":{"nodeid":1e99,"tx":5}},
       "topics":{"t":{"partitions":[],"batchsize":null},"u":[]}}
      """)
    #expect(statistics.brokers.count == 2)
    #expect(statistics.brokers.allSatisfy { $0.id == -1 })
    #expect(statistics.topics == [KafkaStatistics.Topic(name: "t")])
    #expect(
      parse(#"{"brokers":"# + String(repeating: " ", count: KafkaStatistics.maximumBytes)) == nil)
  }

  @Test func brokersAreMeasured() throws {
    let metrics = KafkaClientMetrics(factory: factory)
    let (producer, consumer) = (metrics.makeSource(), metrics.makeSource())
    func take(_ source: KafkaClientMetrics.Source, _ json: String, after seconds: Int) throws {
      metrics.take(
        try report(#"{"brokers":{"x":\#(json)}}"#), from: source,
        at: begin + .seconds(seconds))
    }
    try take(
      producer, broker(tx: 100, txbytes: 20_000, rx: 100, rxbytes: 5000, rtt: (200_000, 100)),
      after: 0)
    #expect(try value("request_rate", "broker_id", "3") == 10)
    #expect(try value("outgoing_byte_rate", "broker_id", "3") == 2000)
    #expect(try value("incoming_byte_rate", "broker_id", "3") == 500)
    #expect(try value("response_rate", "broker_id", "3") == 10)
    #expect(try value("request_size", "broker_id", "3") == 200)
    #expect(try value("response_size", "broker_id", "3") == 50)
    #expect(try value("request_latency", "broker_id", "3") == 2)

    // Another source counts too, and its counters are its own.
    try take(
      consumer, broker(tx: 100, txbytes: 20_000, rx: 100, rxbytes: 25_000, rtt: (0, 0)), after: 1)
    try take(
      producer, broker(tx: 100, txbytes: 20_000, rx: 100, rxbytes: 5000, rtt: (0, 0)), after: 10)
    #expect(try value("request_rate", "broker_id", "3") == 10)
    #expect(try #require(try value("response_size", "broker_id", "3")) > 140)
    #expect(try value("request_latency", "broker_id", "3") == 2)

    // Without traffic, rates fall, and means stay.
    for step in 2...60 {
      try take(
        producer, broker(tx: 100, txbytes: 20_000, rx: 100, rxbytes: 5000, rtt: (0, 0)),
        after: step * 10)
    }
    #expect(try #require(try value("request_rate", "broker_id", "3")) < 0.01)
    #expect(try value("request_size", "broker_id", "3") == 200)
  }

  @Test func topicsAreMeasuredUnderTheNamesOfTheGoLibrary() throws {
    let metrics = KafkaClientMetrics(factory: factory)
    let (producer, consumer) = (metrics.makeSource(), metrics.makeSource())
    let json = """
      {"topics":{"my.channel":{"batchsize":{"sum":3000,"cnt":3},"batchcnt":{"sum":60,"cnt":3},
        "partitions":{"0":{"txmsgs":60}}}}}
      """
    metrics.take(try report(json), from: producer, at: begin)
    metrics.take(
      try report(#"{"topics":{"my.channel":{"partitions":{"0":{}}},"other":{}}}"#),
      from: consumer, at: begin)
    #expect(try value("batch_size", "topic", "my_channel") == 1000)
    #expect(try value("records_per_request", "topic", "my_channel") == 20)
    #expect(try value("record_send_rate", "topic", "my_channel") == 6)
    #expect(try value("compression_ratio", "topic", "my_channel") == 100)
    #expect(factory.recorders.allSatisfy { !$0.dimensions.contains { $0.1 == "other" } })
  }

  @Test func theNumberOfGaugesHasABound() throws {
    let metrics = KafkaClientMetrics(factory: factory)
    var statistics = try report("{}")
    statistics.brokers = (0..<1100).map { KafkaStatistics.Broker(id: $0) }
    metrics.take(statistics, from: metrics.makeSource(), at: begin)
    #expect(factory.recorders.count == KafkaClientMetrics.maximumBrokers * 7)
  }

  @Test func nothingIsRecordedForNobody() {
    #expect(!KafkaClientMetrics(factory: NOOPMetricsHandler.instance).isRecording)
    #expect(KafkaClientMetrics(factory: factory).isRecording)
  }
}
