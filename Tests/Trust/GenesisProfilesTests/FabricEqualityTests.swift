// Blocks and transactions must be those of Fabric's configtxgen, byte for byte.

import FabricProtos
import Foundation
import Testing

@testable import GenesisProfiles

@Suite("Output equals that of Fabric's configtxgen")
struct FabricEqualityTests {
  struct Fixture: CustomTestStringConvertible {
    var profile: String
    var channel: String
    var file: String
    var folder = "configtx"
    var testDescription: String { file }
  }

  static let blocks = [
    Fixture(profile: "SystemSoloV14", channel: "syschannel", file: "system-solo-v14.block"),
    Fixture(profile: "SystemKafkaV14", channel: "syschannel", file: "system-kafka-v14.block"),
    Fixture(profile: "SystemSoloV20", channel: "syschannel", file: "system-solo-v20.block"),
    Fixture(profile: "SystemKafkaV20", channel: "syschannel", file: "system-kafka-v20.block"),
    Fixture(profile: "RaftV20", channel: "raftchannel", file: "app-raft-v20.block"),
    Fixture(
      profile: "BftV30", channel: "bftchannel", file: "app-bft-v30.block", folder: "configtx-bft"),
  ]

  @Test("The channel group of a genesis block has the bytes of Fabric's", arguments: blocks)
  func channelGroup(_ fixture: Fixture) throws {
    let block = try Block(serialized: try TestData.fixture("blocks/" + fixture.file))
    let expected = try block.configuration().config.channelGroup
    let actual = try TestData.document(fixture.folder).profile(fixture.profile).channelGroup()
    #expect(actual == expected)
    #expect(try actual.deterministicBytes() == expected.deterministicBytes())
  }

  @Test(
    "With Fabric's time and nonce the whole block but for map order is Fabric's", arguments: blocks)
  func wholeBlock(_ fixture: Fixture) throws {
    let expected = try Block(serialized: try TestData.fixture("blocks/" + fixture.file))
    let (config, channelHeader, signatureHeader) = try expected.configuration()
    let actual = try GenesisBlockFactory.block(
      profile: try TestData.document(fixture.folder).profile(fixture.profile),
      channelID: fixture.channel, timestamp: channelHeader.timestamp.seconds,
      nonce: Array(signatureHeader.nonce))
    let made = try actual.configuration()
    #expect(made.config == config)
    #expect(made.channelHeader == channelHeader)
    #expect(made.signatureHeader == signatureHeader)
    #expect(actual.metadata == expected.metadata)
    #expect(actual.header.number == 0)
    #expect(actual.header.previousHash.isEmpty)
    #expect(actual.serialized().count == expected.serialized().count)
  }

  @Test(
    "A channel-creation transaction is Fabric's",
    arguments: [
      Fixture(profile: "ChannelV14", channel: "txchannel", file: "channel-v14.tx"),
      Fixture(profile: "ChannelV20", channel: "txchannel", file: "channel-v20.tx"),
    ])
  func channelCreation(_ fixture: Fixture) throws {
    let expected = try Common_Envelope(
      serializedBytes: try TestData.fixture("blocks/" + fixture.file))
    let payload = try Common_Payload(serializedBytes: expected.payload)
    let header = try Common_ChannelHeader(serializedBytes: payload.header.channelHeader)
    let actual = try ChannelCreation.transaction(
      profile: try TestData.document().profile(fixture.profile), channelID: fixture.channel,
      timestamp: header.timestamp.seconds)
    let made = try Common_Payload(serializedBytes: actual.payload)
    #expect(made.header == payload.header)
    #expect(actual.signature == expected.signature)
    let expectedUpdate = try Common_ConfigUpdateEnvelope(serializedBytes: payload.data)
    let madeUpdate = try Common_ConfigUpdateEnvelope(serializedBytes: made.data)
    #expect(madeUpdate.signatures.isEmpty && expectedUpdate.signatures.isEmpty)
    #expect(
      try Common_ConfigUpdate(serializedBytes: madeUpdate.configUpdate)
        == Common_ConfigUpdate(serializedBytes: expectedUpdate.configUpdate))
  }

  @Test("The same input makes the same bytes")
  func determinism() throws {
    let profile = try TestData.document().profile("SystemSoloV14")
    let nonce = [UInt8](repeating: 7, count: 24)
    let blocks = try (0..<3).map { _ in
      try GenesisBlockFactory.block(
        profile: profile, channelID: "c", timestamp: 1, nonce: nonce
      ).serialized()
    }
    #expect(blocks[0] == blocks[1] && blocks[1] == blocks[2])
  }

  @Test("Two blocks of one profile differ, by their nonces")
  func nonces() throws {
    let profile = try TestData.document().profile("SystemSoloV14")
    let blocks = try (0..<2).map { _ in
      try GenesisBlockFactory.block(
        profile: profile, channelID: "c", now: Date(timeIntervalSince1970: 1))
    }
    #expect(blocks[0].header.dataHash != blocks[1].header.dataHash)
  }
}
