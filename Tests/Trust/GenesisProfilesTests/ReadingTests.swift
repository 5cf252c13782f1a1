// How the text of a configtx.yaml is understood.

import Testing

@testable import GenesisProfiles

@Suite("Reading configtx.yaml")
struct ReadingTests {
  @Test("Profiles are listed in file order")
  func names() throws {
    #expect(
      try TestData.document().names == [
        "SystemSoloV14", "SystemKafkaV14", "ChannelV14", "SystemSoloV20", "SystemKafkaV20",
        "ChannelV20", "RaftV20",
      ])
  }

  @Test("Names of settings match in any case, names of profiles do not")
  func letterCase() throws {
    let text = "profiles:\n  P:\n    oRDERER:\n      batchsize: {MAXMESSAGECOUNT: 7}\n"
    let document = try document(text)
    #expect(try document.profile("P").orderer?.batchSize.maxMessageCount == 7)
    #expect(throws: GenesisError.self) { try document.profile("p") }
  }

  @Test("A merge after an explicit value replaces it, as in Fabric's tools, with a warning")
  func mergeOrder() throws {
    let anchor = "Orderer: &Orderer {OrdererType: solo, BatchTimeout: 9s}\nProfiles:\n"
    let after = try document(
      anchor + "  P:\n    Orderer:\n      OrdererType: kafka\n      <<: *Orderer\n"
    ).profile("P")
    #expect(after.orderer?.type.name == "solo")
    #expect(after.orderer?.batchTimeout.duration == .seconds(9))
    #expect(after.warnings.count == 1)
    #expect(after.warnings.first?.contains("Orderer.OrdererType") == true)
    let before = try document(
      anchor + "  P:\n    Orderer:\n      <<: *Orderer\n      OrdererType: kafka\n"
    ).profile("P")
    #expect(before.orderer?.type.name == "kafka")
    #expect(before.warnings.isEmpty)
  }

  @Test("Of several merged mappings the first wins, and null replaces a merged value")
  func mergeList() throws {
    let text = """
      A: &A {OrdererType: kafka, Addresses: ["a:1"]}
      B: &B {OrdererType: solo, MaxChannels: 3}
      Profiles:
        P: {Orderer: {<<: [*A, *B], Addresses: }}
      """
    let document = try document(text)
    let orderer = try #require(try document.profile("P").orderer)
    #expect(orderer.type.name == "kafka")
    #expect(orderer.maxChannels == 3)
    #expect(orderer.addresses == ["127.0.0.1:7050"])
    #expect(document.warnings.count == 2)
    #expect(document.warnings.first?.contains("A: there is no such section") == true)
  }

  @Test("Lists may be single values or bracketed texts")
  func lists() throws {
    #expect(try profile("    Orderer: {Addresses: a:1}\n").orderer?.addresses == ["a:1"])
    #expect(
      try profile("    Orderer: {Addresses: \"[a:1, b:2]\"}\n").orderer?.addresses == [
        "a:1", "b:2",
      ])
  }

  @Test("Environment variables override values, with or without the profile's name")
  func environment() throws {
    let environment = [
      "CONFIGTX_ORDERER_ORDERERTYPE": "kafka",
      "CONFIGTX_ORDERER_KAFKA_BROKERS": "[k1:9092,k2:9092]",
      "CONFIGTX_PROFILES_P_ORDERER_BATCHSIZE_MAXMESSAGECOUNT": "42",
      "CONFIGTX_ORDERER_BATCHTIMEOUT": "",
      "ORDERER_ORDERERTYPE": "solo",
    ]
    let orderer = try #require(
      try profile(
        "    Orderer: {OrdererType: solo, BatchTimeout: 5s}\n", environment: environment
      ).orderer)
    guard case .kafka(let brokers) = orderer.type else {
      Issue.record("not kafka")
      return
    }
    #expect(brokers == ["k1:9092", "k2:9092"])
    #expect(orderer.batchSize.maxMessageCount == 42)
    #expect(orderer.batchTimeout.duration == .seconds(5))
  }
}
