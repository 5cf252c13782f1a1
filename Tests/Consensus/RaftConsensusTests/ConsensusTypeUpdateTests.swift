// Whether an update touches the consensus: the write set decides, whatever it changes.

import ChannelConfig
import FabricProtos
import Foundation
import Ordering
import ProcessingFixtures
import Testing

@testable import RaftConsensus

@Suite struct ConsensusTypeUpdateTests {
  /// The CONFIG message that an update leads to.
  private func message(_ update: Common_ConfigUpdate) throws -> EnvelopeView {
    var config = Common_ConfigEnvelope()
    config.lastUpdate = try Common_Envelope(
      serializedBytes: Messages.update(
        "raftchannel", update, by: [], submitter: TestIdentity.ordererAdmin()
      ).bytes)
    return try message(config)
  }

  private func message(_ config: Common_ConfigEnvelope) throws -> EnvelopeView {
    try EnvelopeView(
      Messages.message(
        "raftchannel", TestIdentity.ordererNode(), config.serializedBytes(), type: .config))
  }

  private func update(
    _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws -> Common_ConfigUpdate {
    try ConfigDelta.update(raftBundle(raftConfig([1])), edit)
  }

  @Test func anUpdateOfTheBatchSizeLeavesTheConsensusAlone() throws {
    let update = try update { try $0.editBatchSize { $0.maxMessageCount += 1 } }
    #expect(try ConsensusTypeUpdate(in: message(update)) == .untouched)
  }

  @Test func anUpdateOfTheConsentersWritesThem() throws {
    let next = try raftConfig([1, 2])
    let bytes = try next.serializedData()
    let update = try update { try $0.editConsensus { $0.metadata = bytes } }
    #expect(try ConsensusTypeUpdate(in: message(update)) == .written(RaftConfig(next)))
  }

  @Test func writingTheSameValueAgainTouchesIt() throws {
    var update = try update { try $0.editConsensus { $0.state = .maintenance } }
    let value = try #require(
      raftBundle(raftConfig([1])).config.channelGroup.groups["Orderer"]?.values["ConsensusType"])
    update.writeSet.groups["Orderer"]?.values["ConsensusType"]?.value = value.value
    #expect(
      try ConsensusTypeUpdate(in: message(update)) == .written(RaftConfig(raftConfig([1]))))
  }

  @Test func aValueInBothSetsWithTheSameVersionIsUntouched() throws {
    var update = try update { try $0.editConsensus { $0.state = .maintenance } }
    let written = try #require(update.writeSet.groups["Orderer"]?.values["ConsensusType"])
    update.readSet.groups["Orderer"]?.values["ConsensusType"] = written
    #expect(try ConsensusTypeUpdate(in: message(update)) == .untouched)
  }

  @Test func anotherTypeTakesTheChannelAway() throws {
    let update = try update {
      try $0.editConsensus {
        $0.type = "BFT"
        $0.metadata = Data([0xFF])
      }
    }
    #expect(try ConsensusTypeUpdate(in: message(update)) == .migrated(to: "BFT"))
  }

  @Test func whatCannotBeReadIsAFaultOfTheChannel() throws {
    var config = Common_ConfigEnvelope()
    config.lastUpdate.payload = Data([0xFF])
    #expect(throws: ChannelFault.self) { try ConsensusTypeUpdate(in: message(config)) }
    let update = try update { try $0.editConsensus { $0.metadata = Data([0xFF]) } }
    #expect(throws: ChannelFault.self) { try ConsensusTypeUpdate(in: message(update)) }
  }
}
