// Blocks as they stand in the log, when snapshots are due, and which start it is.

import BlockLedger
import Blocks
import FabricProtos
import Ordering
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct EntryBlockTests {
  private let end = ChainEnd(after: BlockHeader(number: 6, previousHash: [], dataHash: [1]))

  private func entry(_ edit: (inout Block) -> Void = { _ in }) throws -> [UInt8] {
    let assembled = AssembledBlock(
      number: 7, previousHash: end.lastHash, data: [[1, 2], [3]])
    var block = try Block(serialized: EntryBlock.serialized(assembled))
    edit(&block)
    return block.serialized()
  }

  private func read(_ entry: [UInt8]) throws -> AssembledBlock {
    try EntryBlock.assembled(
      EntryBlock.block(in: entry, index: 9), following: end, index: 9, channelID: "c")
  }

  @Test func whatALeaderWroteIsRead() throws {
    let block = try read(try entry())
    #expect(block.header.number == 7)
    #expect(block.data == [[1, 2], [3]])
  }

  @Test func fiveEmptySlotsAreWritten() throws {
    let bytes = try entry()
    #expect(bytes.suffix(12) == [0x1A, 10, 0x0A, 0, 0x0A, 0, 0x0A, 0, 0x0A, 0, 0x0A, 0])
  }

  @Test func metadataThatOthersWroteAreLeftOut() throws {
    for slots in [[], [[1]], [[], [], [], [], [], []]] as [[[UInt8]]] {
      #expect(try read(try entry { $0.metadata = slots }).data.count == 2)
    }
  }

  @Test func whatDoesNotFollowIsAFaultOfTheChannel() throws {
    let edits: [(inout Block) -> Void] = [
      { $0.header.number = 8 }, { $0.header.number = 6 }, { $0.header.previousHash[0] ^= 1 },
      { $0.header.dataHash = [] }, { $0.data.append([4]) }, { $0.data[0][0] ^= 1 },
    ]
    for edit in edits {
      let bytes = try entry(edit)
      #expect(throws: ChannelFault.self) { try read(bytes) }
    }
    #expect(throws: ChannelFault.self) { try read([]) }
  }

  @Test func noBytesCrashIt() throws {
    var random = SplitMix64(seed: 9)
    let bytes = try entry()
    for _ in 0..<20_000 {
      var damaged = bytes
      damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(
        in: 0...255, using: &random)
      damaged.removeLast(Int.random(in: 0...3, using: &random))
      _ = try? read(damaged)
    }
  }
}

@Suite struct SnapshotPolicyTests {
  @Test func aSnapshotIsDueOnceEnoughWasApplied() {
    var policy = SnapshotPolicy(interval: 100)
    #expect(!policy.isDue)
    policy.applied(bytes: 99)
    #expect(!policy.isDue)
    policy.applied(bytes: 1)
    #expect(policy.isDue)
    #expect(policy.take() == 100)
    #expect(!policy.isDue)
  }

  @Test func aNewIntervalCountsAtOnce() {
    var policy = SnapshotPolicy(interval: 100)
    policy.applied(bytes: 50)
    policy.change(interval: 1)
    #expect(policy.isDue)
  }
}

@Suite struct RaftStartTests {
  private func start(
    log: Bool = false, snapshots: Bool = false, height: UInt64, metadata: Bool
  ) -> RaftStart {
    RaftStart(
      RaftStart.Facts(
        hasLog: log, hasSnapshots: snapshots, height: height, hasMetadata: metadata))
  }

  @Test func followsFromWhatIsThere() {
    #expect(start(height: 1, metadata: false) == .bootstrap)
    #expect(start(height: 2, metadata: true) == .join)
    #expect(start(height: 2, metadata: false) == .migration)
    for height in [UInt64(1), 9] {
      for metadata in [false, true] {
        #expect(start(log: true, height: height, metadata: metadata) == .restart)
        #expect(start(log: true, snapshots: true, height: height, metadata: metadata) == .restart)
        #expect(start(snapshots: true, height: height, metadata: metadata) == .lostLog)
      }
    }
  }
}
