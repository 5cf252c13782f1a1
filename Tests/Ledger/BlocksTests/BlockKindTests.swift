// Which blocks are config blocks, and which block holds the newest configuration.

import FabricProtos
import Testing

@testable import Blocks

@Suite struct BlockKindTests {
  private func block(_ data: [[UInt8]]) -> Block {
    Block(
      header: BlockHeader(number: 1, previousHash: [], dataHash: []), data: data, metadata: [])
  }

  @Test("CONFIG and ORDERER_TRANSACTION make a config block; only CONFIG is a configuration")
  func kinds() throws {
    let config = block([try envelope(.config)])
    #expect(config.isConfigBlock)
    #expect(try config.configEnvelope?.bytes == envelope(.config))
    let creation = block([try envelope(.ordererTransaction)])
    #expect(creation.isConfigBlock)
    #expect(creation.configEnvelope == nil)
    guard case .channelCreation(let message) = creation.kind else {
      Issue.record("it creates a channel")
      return
    }
    #expect(try message.bytes == envelope(.ordererTransaction))
    for type in [
      Common_HeaderType.message, .configUpdate, .endorserTransaction, .deliverSeekInfo,
    ] {
      let block = block([try envelope(type)])
      #expect(!block.isConfigBlock && block.configEnvelope == nil, "\(type)")
    }
  }

  @Test("A config message stands alone; with others, or unreadable, it makes no config block")
  func alone() throws {
    for data in [
      [], [[0xFF]], [[]], [try envelope(.config), try envelope(.config)],
      [try envelope(.config), try envelope(.message)],
    ] as [[[UInt8]]] {
      #expect(!block(data).isConfigBlock)
      #expect(block(data).configEnvelope == nil)
    }
  }

  @Test(
    "Recorded genesis blocks are configurations", arguments: ["system-solo-v14", "app-bft-v30"])
  func recorded(name: String) throws {
    #expect(try Fixtures.genesis(name).configEnvelope != nil)
  }

  @Test("The first block under a higher sequence holds the configuration")
  func lastConfig() {
    var last = LastConfig(block: 4, sequence: 2)
    last.note(block: 7, sequence: 2)
    #expect(last == LastConfig(block: 4, sequence: 2))
    last.note(block: 8, sequence: 3)
    last.note(block: 9, sequence: 3)
    #expect(last == LastConfig(block: 8, sequence: 3))
    last.note(block: 10, sequence: 1)
    #expect(last == LastConfig(block: 8, sequence: 3))
  }
}
