// Blocks that were pulled from a node that had stored them without metadata.

import BlockLedger
import Blocks
import Concurrency
import FabricProtos
import Foundation
import Ordering
import RaftCore
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct PulledMetadataTests {
  private func metadata(
    _ ids: [UInt64], next: UInt64, index: LogIndex
  ) -> RaftBlockMetadata {
    RaftBlockMetadata(consenterIDs: ids, nextConsenterID: next, raftIndex: index)
  }

  private func pulled(_ nodes: [Int], _ metadata: RaftBlockMetadata) throws -> PulledMetadata {
    let newest = try NewestBlock(
      block([[1]], metadata), config: RaftConfig(raftConfig(nodes)), identity: nil)
    return PulledMetadata(after: newest)
  }

  /// A block with this data, and metadata if there are any.
  private func block(_ data: [[UInt8]], _ metadata: RaftBlockMetadata? = nil) throws -> Block {
    let assembled = AssembledBlock(number: 9, previousHash: [1], data: data)
    guard let metadata else {
      return SealedBlock(assembled, metadata: BlockMetadata.empty).block
    }
    var signed = Common_OrdererBlockMetadata()
    signed.consenterMetadata = Data(ConsenterMetadata.wrap(metadata.serialized()))
    var slot = Common_Metadata()
    slot.value = try signed.serializedBytes()
    var slots = BlockMetadata.empty
    slots[0] = try slot.serializedBytes()
    return SealedBlock(assembled, metadata: slots).block
  }

  @Test func whatIsThereIsTakenOver() throws {
    var pulled = try pulled([1, 2, 3], metadata([1, 3, 4], next: 5, index: 20))
    let own = metadata([1, 3, 4], next: 5, index: 23)
    #expect(try pulled.metadata(of: block([[2]], own)) == own.serialized())
    #expect(pulled.missing == 0)
    // The next one follows on it.
    #expect(
      try pulled.metadata(of: block([[3]]))
        == metadata([1, 3, 4], next: 5, index: 24).serialized())
    #expect(pulled.missing == 1)
  }

  @Test func changesOfTheConsentersAreFollowed() async throws {
    let channel = try TestChannel(
      try await TestChannel.ledger(raftConfig([1, 2, 3])), time: ManualTime())
    var pulled = try pulled([1, 2, 3], metadata([1, 3, 4], next: 5, index: 20))
    let added = try block([channel.configMessage(raftConfig([1, 2, 3, 4])).envelope.bytes])
    // An update of the consensus has the index of the block before it.
    #expect(
      try pulled.metadata(of: added) == metadata([1, 3, 4, 5], next: 6, index: 20).serialized())
    // Entry 21 was the block's, entry 22 the change of the membership.
    #expect(
      try pulled.metadata(of: block([[2]]))
        == metadata([1, 3, 4, 5], next: 6, index: 23).serialized())
    #expect(pulled.missing == 2)
  }
}
