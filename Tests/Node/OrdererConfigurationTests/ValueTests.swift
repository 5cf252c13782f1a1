// The syntax of single values: versions, paths.

import Testing

@testable import OrdererConfiguration

@Suite struct ValueTests {
  @Test(
    "A Kafka version stands for the nearest older one that Fabric tells apart",
    arguments: [
      ("0.8.2", "0.8.2.0"), ("0.8.2.1", "0.8.2.1"), ("0.8.9", "0.8.2.2"), ("0.9", "0.9.0.0"),
      ("0.9.0.1", "0.9.0.1"), ("0.10.0.0", "0.10.0.0"), ("0.10.0.7", "0.10.0.1"),
      ("0.10.1.9", "0.10.1.0"), ("0.10.2.1", "0.10.2.0"), ("0.11.0.2", "0.11.0.0"),
      ("1.0.0", "1.0.0"), ("1", "1.0.0"), ("v2.8.0", "1.0.0"), ("2.8.0+build", "1.0.0"),
    ])
  func kafkaVersions(text: String, expected: String) throws {
    #expect(try KafkaVersion(parsing: text).description == expected)
  }

  @Test(
    "What is no Kafka version is refused",
    arguments: ["", "x", "1.", ".1", "1.x", "0.8.1", "0", "1.0.0-rc1", "1..2", "99999999999"])
  func noKafkaVersions(text: String) {
    #expect(throws: KafkaVersion.ParseError.self) { try KafkaVersion(parsing: text) }
  }

  @Test func kafkaVersionsAreOrdered() {
    #expect(KafkaVersion.all == KafkaVersion.all.sorted())
    #expect(KafkaVersion.all.contains(.standard))
  }

  @Test func certificateBlocksAreFoundInAFile() {
    let text = """
      comment
      -----BEGIN CERTIFICATE-----
      AAAA
      -----END CERTIFICATE-----
      -----BEGIN PRIVATE KEY-----
      BBBB
      -----END PRIVATE KEY-----
      -----BEGIN CERTIFICATE-----
      Header: value

      CCCC
      -----END CERTIFICATE-----
      -----BEGIN CERTIFICATE-----
      DDDD
      """
    #expect(
      String.certificateBlocks(in: text) == [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
      ])
  }
}
