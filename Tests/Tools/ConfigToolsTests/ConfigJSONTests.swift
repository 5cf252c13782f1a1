// Configurations as JSON, compared with what configtxlator prints.

import FabricProtos
import Foundation
import SwiftProtobuf
import TestSupport
import Testing

@testable import ConfigTools

@Suite struct ConfigJSONTests {
  /// The recordings are the output of `configtxlator proto_decode` 2.5 for the fixture blocks, all but
  /// that of the BFT channel, which it does not know.
  @Test(arguments: [
    "app-raft-v20", "system-kafka-v14", "system-kafka-v20", "system-solo-v14", "system-solo-v20",
  ])
  func blocksLookAsConfigtxlatorShowsThem(_ name: String) throws {
    let text = try ConfigJSON.block(Fixtures.bytes("blocks/\(name).block")).text
    let recorded = try Fixtures.bytes("recorded/configtxlator/\(name).block.json")
    #expect(text == String(decoding: recorded, as: UTF8.self))
  }

  @Test(arguments: ["channel-v14", "channel-v20"])
  func channelTransactionsLookAsConfigtxlatorShowsThem(_ name: String) throws {
    let text = try ConfigJSON.envelope(Fixtures.bytes("blocks/\(name).tx")).text
    let recorded = try Fixtures.bytes("recorded/configtxlator/\(name).tx.json")
    #expect(text == String(decoding: recorded, as: UTF8.self))
  }

  @Test func theConfigOfABlockIsThePartThatConfigtxlatorShows() throws {
    let block = try ConfigBlock(Fixtures.block("app-raft-v20"))
    let whole = try ConfigJSON.block(Fixtures.bytes("blocks/app-raft-v20.block"))
    guard case .array(let entries) = whole["data"]?["data"] else {
      Issue.record("the block has no data")
      return
    }
    #expect(try block.json() == entries[0]["payload"]?["data"]?["config"])
    #expect(block.number == 0)
  }

  @Test func theConsentersOfBFTAreShown() throws {
    let json = try ConfigBlock(Fixtures.block("app-bft-v30")).json()
    let values = json["channel_group"]?["groups"]?["Orderer"]?["values"]
    let metadata = values?["ConsensusType"]?["value"]?["metadata"]
    #expect(metadata?["request_batch_max_interval"] == .string("50ms"))
    guard case .array(let consenters) = values?["Orderers"]?["value"]?["consenter_mapping"] else {
      Issue.record("no consenters")
      return
    }
    #expect(consenters.count == 4)
    #expect(consenters[0]["port"] != nil)
  }

  @Test func valuesOfUnknownKindsAreShownAsBytes() throws {
    var config = Common_Config()
    config.channelGroup.values["New"] = .with { $0.value = Data([1, 2, 255]) }
    config.channelGroup.groups["Strange", default: Common_ConfigGroup()].values["MSP"] = .with {
      $0.value = Data([9])
    }
    config.channelGroup.policies["P"] = .with { policy in
      policy.policy.type = 2
      policy.policy.value = Data([7])
    }
    let group = try ConfigJSON.config(config.serializedBytes())["channel_group"]
    #expect(group?["values"]?["New"]?["value"] == .string("AQL/"))
    #expect(group?["groups"]?["Strange"]?["values"]?["MSP"]?["value"] == .string("CQ=="))
    #expect(group?["policies"]?["P"]?["policy"]?["value"] == .string("Bw=="))
  }

  @Test func whatIsMalformedIsNamedByItsPlace() throws {
    var config = Common_Config()
    config.channelGroup.groups["Orderer", default: Common_ConfigGroup()].values["BatchSize"] = .with
    { $0.value = Data([8]) }
    let bytes: [UInt8] = try config.serializedBytes()
    #expect {
      try ConfigJSON.config(bytes)
    } throws: {
      "\($0)".contains("channel_group.groups[Orderer].values[BatchSize].value")
    }
  }

  @Test func tooDeepGroupsAreRefused() throws {
    var group: [UInt8] = []
    for _ in 0..<10_000 {
      let entry = field(1, Array("g".utf8)) + field(2, group)
      group = field(2, entry)
    }
    let bytes = field(2, group)
    #expect {
      try ConfigJSON.config(bytes)
    } throws: {
      "\($0)".contains("nest deeper")
    }
  }

  @Test func damagedBlocksDoNoHarm() throws {
    var random = SplitMix64(seed: 7)
    let whole = try Fixtures.bytes("blocks/system-solo-v14.block")
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let position = Int.random(in: 0..<bytes.count, using: &random)
        bytes[position] = UInt8.random(in: 0...255, using: &random)
      }
      _ = try? ConfigJSON.block(bytes).text
      if let block = try? Block(serialized: bytes) { _ = try? ConfigBlock(block).json() }
    }
  }

  @Test func theLastOfSeveralMapEntriesCounts() throws {
    func entry(_ version: UInt8) -> [UInt8] {
      field(3, field(1, Array("New".utf8)) + field(2, [8, version]))
    }
    let json = try ConfigJSON.config(field(2, entry(1) + entry(2)))
    #expect(json["channel_group"]?["values"]?["New"]?["version"] == .string("2"))
  }

  private func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    Varint.append(number << 3 | 2, to: &result)
    Varint.append(UInt64(content.count), to: &result)
    return result + content
  }
}
