// What librdkafka is told.

import CRdKafka
import Foundation
import Testing

@testable import KafkaClient

@Suite struct KafkaClientSettingsTests {
  private func properties(_ change: (inout KafkaClientSettings) -> Void) -> [String: String] {
    var settings = KafkaClientSettings()
    change(&settings)
    let all =
      settings.properties(
        brokers: ["a:1", "b:2"],
        trust: settings.tls.flatMap { try? BrokerTrust($0, now: { Date() }) })
      + settings.producerProperties
      + settings.consumerProperties
    return Dictionary(all.map { ($0.name, $0.value) }) { first, _ in first }
  }

  @Test func postsAreInOrderAndNeverRepeated() {
    let given = properties { _ in }
    #expect(given["acks"] == "all")
    #expect(given["max.in.flight"] == "1")
    #expect(given["retries"] == "0")
    #expect(given["bootstrap.servers"] == "a:1,b:2")
    #expect(given["auto.offset.reset"] == "error")
  }

  @Test func securityFollowsTLSAndSASL() {
    let tls = KafkaClientSettings.TLS(
      certificate: TestPEM.leaf, privateKey: "k",
      rootCertificates: [TestPEM.root, TestPEM.otherRoot])
    let sasl = KafkaClientSettings.SASL(mechanism: .scramSHA512, user: "u", password: "p")
    #expect(properties { _ in }["security.protocol"] == "plaintext")
    #expect(properties { $0.tls = tls }["security.protocol"] == "ssl")
    #expect(properties { $0.tls = tls }["ssl.ca.pem"] == TestPEM.root + TestPEM.otherRoot)
    #expect(properties { $0.tls = tls }["ssl.key.pem"] == "k")
    #expect(properties { $0.sasl = sasl }["security.protocol"] == "sasl_plaintext")
    let both = properties {
      $0.tls = tls
      $0.sasl = sasl
    }
    #expect(both["security.protocol"] == "sasl_ssl")
    #expect(both["sasl.mechanisms"] == "SCRAM-SHA-512")
    #expect(both["sasl.password"] == "p")
  }

  @Test func oldBrokersAreNotAskedForTheirVersion() {
    let old = properties { $0.version = "0.9.0.1" }
    #expect(old["api.version.request"] == "false")
    #expect(old["broker.version.fallback"] == "0.9.0.1")
    #expect(properties { $0.version = "0.10.2.0" }["api.version.request"] == "true")
    var settings = KafkaClientSettings()
    settings.version = "0.10.0.1"
    #expect(!settings.createsTopics)
    settings.version = "1.0.0"
    #expect(settings.createsTopics)
  }

  /// Also very short and very long times are within the bounds of the client that is linked.
  @Test(arguments: [Duration.zero, .milliseconds(1), .seconds(30), .seconds(100_000)])
  func theClientAcceptsWhateverIsConfigured(_ time: Duration) throws {
    var settings = KafkaClientSettings()
    settings.dialTimeout = time
    settings.readTimeout = time
    settings.writeTimeout = time
    settings.metadataRetryBackoff = time
    settings.producerRetryBackoff = time
    settings.consumerRetryBackoff = time
    settings.longestReconnectPause = time
    for version in ["0.8.2.0", "0.10.2.0", "1.0.0"] {
      settings.version = version
      for (type, own) in [
        (RD_KAFKA_PRODUCER, settings.producerProperties),
        (RD_KAFKA_CONSUMER, settings.consumerProperties),
      ] {
        let instance = try KafkaInstance(
          type, properties: settings.properties(brokers: ["127.0.0.1:1"], trust: nil) + own
        ) { _ in }
        instance.close()
      }
    }
  }
}
