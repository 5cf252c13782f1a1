// What a block says of itself, in all the places where orderers have put it.

import FabricProtos
import Testing

@testable import Blocks

@Suite struct BlockMetadataTests {
  private func block(_ number: UInt64, _ metadata: [[UInt8]]) -> Block {
    Block(
      header: BlockHeader(number: number, previousHash: [], dataHash: []), data: [],
      metadata: metadata)
  }

  private func slot(_ value: [UInt8]) -> [UInt8] { ConsenterMetadata.wrap(value) }

  @Test("The signed last config block counts, then the one in its own slot")
  func lastConfig() throws {
    let signed = slot([0x0A, 2, 8, 5])
    #expect(try block(9, [signed, slot([8, 4])]).lastConfigIndex(channelID: "one") == 5)
    #expect(try block(9, [[], slot([8, 4])]).lastConfigIndex(channelID: "one") == 4)
    // Block 0 takes no bytes: the slot is there, and empty.
    #expect(try block(9, [slot([0x0A, 0]), []]).lastConfigIndex(channelID: "one") == 0)
    #expect(try block(9, [[], []]).lastConfigIndex(channelID: "one") == 0)
  }

  @Test("A genesis block is its own config block, whatever its metadata")
  func genesis() throws {
    #expect(try block(0, []).lastConfigIndex(channelID: "one") == 0)
    #expect(try block(0, [[0xFF], [0xFF]]).lastConfigIndex(channelID: "one") == 0)
  }

  @Test("A block that does not tell is refused, and the error names its channel")
  func untold() {
    for metadata in [[], [[]], [[], [0xFF]], [[0xFF], slot([0xFF])]] as [[[UInt8]]] {
      #expect(
        throws: BlockError(
          channelID: "one", reason: "block 9 does not tell its last config block")
      ) { try block(9, metadata).lastConfigIndex(channelID: "one") }
    }
  }

  @Test("A consenter's metadata is unwrapped for those who wrap it, and left as it is for BFT")
  func consenter() {
    let wrapped = block(9, [slot([0x0A, 0, 0x12, 4] + slot([1, 2])), []])
    #expect(wrapped.sealedConsenterMetadata() == [0x0A, 2, 1, 2])
    #expect(wrapped.consenterMetadata() == [1, 2])
    let fabric1 = block(9, [[], [], [], slot([1, 2])])
    #expect(fabric1.consenterMetadata() == [1, 2])
    #expect(fabric1.sealedConsenterMetadata() == [])
    let none = block(9, [slot([0x0A, 0]), [], [], [], []])
    #expect(none.consenterMetadata() == [])
    #expect(none.sealedConsenterMetadata() == [])
  }

  @Test("Wrapping is what protobuf makes of a Metadata message", arguments: [0, 1, 127, 128, 300])
  func wrapping(count: Int) throws {
    let value = [UInt8](repeating: 7, count: count)
    let message = Common_Metadata.with { $0.value = .init(value) }
    #expect(try message.serializedBytes() == ConsenterMetadata.wrap(value))
    #expect(ConsenterMetadata.unwrap(ConsenterMetadata.wrap(value)) == value)
    #expect(ConsenterMetadata.unwrap([0xFF]) == nil)
  }
}
