// Which blocks a node's system channel can begin with.

import FabricProtos
import ProcessingFixtures
import SystemChannel
import Testing

@Suite struct SystemGenesisBlockTests {
  private func block(_ name: String) throws -> Block {
    try Block(serialized: try Fixtures.bytes("blocks/\(name).block"))
  }

  @Test(arguments: ["system-solo-v14", "system-solo-v20", "system-kafka-v14", "system-kafka-v20"])
  func theGenesisBlockOfASystemChannelIsOne(_ name: String) throws {
    let bundle = try SystemGenesisBlock.validate(try block(name))
    #expect(bundle.channelID == "syschannel")
    #expect(bundle.consortiums != nil)
  }

  @Test func anApplicationChannelsIsNot() throws {
    let block = try block("app-raft-v20")
    #expect {
      _ = try SystemGenesisBlock.validate(block)
    } throws: {
      "\($0)".hasPrefix("Failed validating bootstrap block: ")
        && "\($0)".contains("lacks ConsortiumsConfig")
    }
  }

  /// What it leads to is the business of whoever begins with it.
  @Test func aLaterConfigBlockIsOne() throws {
    var block = try block("system-solo-v20")
    block.header.number = 1
    #expect(try SystemGenesisBlock.validate(block).channelID == "syschannel")
  }

  @Test func aBlockWithoutAConfigurationIsNot() throws {
    for data in [[], [[]], [[0xFF]]] as [[[UInt8]]] {
      var block = try block("system-solo-v20")
      block.data = data
      #expect(throws: BootstrapError.self) { _ = try SystemGenesisBlock.validate(block) }
    }
  }
}
