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

  @Test(
    "Relative paths are below the folder",
    arguments: [
      ("msp", "/cfg/msp"), ("./a/../b", "/cfg/b"), ("/abs//x", "/abs//x"), ("../up", "/up"),
      ("../../..", "/"), ("a/", "/cfg/a"),
    ])
  func paths(path: String, expected: String) {
    #expect(ConfigurationPath.resolve(path, against: "/cfg") == expected)
  }

  @Test(
    "The edit distance counts slips",
    arguments: [
      ("", "", 0), ("abc", "", 3), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1),
      ("abc", "ab", 1), ("kitten", "sitting", 3),
    ])
  func distances(left: String, right: String, expected: Int) {
    #expect(NearestName.distance(left, right) == expected)
    #expect(NearestName.distance(right, left) == expected)
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
