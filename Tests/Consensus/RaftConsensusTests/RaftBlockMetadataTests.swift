// The consenter metadata of blocks, byte for byte.

import FabricProtos
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct RaftBlockMetadataTests {
  @Test func aChannelBeginsWithTheIDsFromOneOn() {
    let metadata = RaftBlockMetadata(consenterCount: 3)
    #expect(metadata.consenterIDs == [1, 2, 3])
    #expect(metadata.nextConsenterID == 4)
    #expect(metadata.raftIndex == 0)
  }

  @Test func bytesAreThoseOfGo() throws {
    // As recorded of an orderer 2.5.16: ids 1, 3 and 4, the next one 5, index 300.
    let metadata = RaftBlockMetadata(
      consenterIDs: [1, 3, 4], nextConsenterID: 5, raftIndex: 300)
    #expect(
      metadata.serialized() == [0x0A, 0x03, 1, 3, 4, 0x10, 5, 0x18, 0xAC, 0x02])
    #expect(
      RaftBlockMetadata(consenterIDs: [], nextConsenterID: 0, raftIndex: 0).serialized() == [])
  }

  @Test func whatWasWrittenIsRead() throws {
    var random = SplitMix64(seed: 7)
    for _ in 0..<1_000 {
      var ids: Set<UInt64> = []
      for _ in 0..<Int.random(in: 0...9, using: &random) {
        ids.insert(
          UInt64.random(in: 1..<(1 << UInt64.random(in: 1...63, using: &random)), using: &random))
      }
      let metadata = RaftBlockMetadata(
        consenterIDs: Array(ids), nextConsenterID: (ids.max() ?? 0) + 1,
        raftIndex: random.next() >> UInt64.random(in: 0...63, using: &random))
      let bytes = metadata.serialized()
      #expect(try RaftBlockMetadata(serialized: bytes) == metadata)
      // The generated code writes the same.
      var message = Etcdraft_BlockMetadata()
      message.consenterIds = metadata.consenterIDs
      message.nextConsenterID = metadata.nextConsenterID
      message.raftIndex = metadata.raftIndex
      #expect(try message.serializedBytes() == bytes)
    }
  }

  @Test(
    arguments: [
      ([0xFF], "it is no BlockMetadata of etcdraft"),
      ([0x0A, 0x01, 0, 0x10, 2], "a consenter has the id 0"),
      ([0x0A, 0x02, 1, 1, 0x10, 2], "two consenters have the same id"),
      (
        [0x0A, 0x02, 1, 2, 0x10, 2],
        "the next id, 2, is not above those that are in use"
      ),
    ] as [([UInt8], String)])
  func whatCannotBeUsedIsRefused(_ bytes: [UInt8], _ reason: String) {
    #expect(throws: UnusableBlockMetadata(reason: reason)) {
      try RaftBlockMetadata(serialized: bytes)
    }
  }

  @Test func noBytesCrashIt() {
    var random = SplitMix64(seed: 8)
    for _ in 0..<20_000 {
      var bytes = RaftBlockMetadata(
        consenterIDs: [1, 2, 300], nextConsenterID: 301, raftIndex: random.next()
      ).serialized()
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      _ = try? RaftBlockMetadata(serialized: bytes)
    }
  }
}
