// What committed entries mean for the ledger: the same on every node and after every restart.

import BlockLedger
import Blocks
import FabricProtos
import Ordering
import RaftCore
import RaftWire
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct EntryApplierTests {
  private static let genesis = ChainEnd(
    after: BlockHeader(number: 0, previousHash: [], dataHash: [1]))

  /// Blocks with this many entries each, and the entries of the log that hold them, with empty ones before.
  private func log(
    _ sizes: [Int], first: LogIndex = 3
  ) -> (blocks: [AssembledBlock], entries: [Entry]) {
    var assembler = BlockAssembler(at: Self.genesis)
    var entries = (1..<first).map { Entry(term: 2, index: $0) }
    var blocks: [AssembledBlock] = []
    for (offset, size) in sizes.enumerated() {
      let block = assembler.assemble((0..<size).map { [UInt8(offset), UInt8($0 & 0xFF)] })
      blocks.append(block)
      entries.append(
        Entry(
          term: 2, index: first + LogIndex(offset),
          data: EntryBlock.serialized(block)[...]))
    }
    return (blocks, entries)
  }

  private func applier(
    end: ChainEnd = genesis, raftIndex: LogIndex = 0, consenters: [Int] = [1]
  ) throws -> EntryApplier {
    EntryApplier(
      channelID: "c", end: end,
      consenters: try ConsenterSet(
        consenters.map(consenter), metadata: RaftBlockMetadata(consenterCount: consenters.count)),
      raftIndex: raftIndex)
  }

  /// The numbers of the blocks of each step, and the index that each leads to.
  private func steps(
    _ applier: inout EntryApplier, _ entries: [Entry]
  ) throws -> [(numbers: [UInt64], through: LogIndex)] {
    var rest = entries[...]
    var steps: [(numbers: [UInt64], through: LogIndex)] = []
    while let (step, through) = try applier.next(&rest, made: { _ in nil }) {
      switch step {
      case .write(let blocks, _, _):
        steps.append((blocks.map(\.assembled.header.number), through))
      case .writeConfig(let block, _, _): steps.append(([block.assembled.header.number], through))
      case .skip, .change: steps.append(([], through))
      case .pull: return steps
      }
    }
    return steps
  }

  @Test func consecutiveBlocksAreWrittenTogetherUpToALimit() throws {
    let (_, entries) = log(Array(repeating: 2, count: 40))
    var applier = try applier()
    let steps = try steps(&applier, entries)
    #expect(steps.map(\.numbers) == [[], [], Array(1...32), Array(33...40)])
    #expect(steps.map(\.through) == [1, 2, 34, 42])
    #expect(applier.raftIndex == 42)
    #expect(applier.end.height == 41)
  }

  @Test func everyNodeWritesTheSameMetadataWhereverItBegan() throws {
    let (blocks, entries) = log(Array(repeating: 1, count: 10))
    func metadata(from kept: Int) throws -> [[UInt8]] {
      var applier =
        kept == 0
        ? try applier()
        : try applier(
          end: ChainEnd(after: blocks[kept - 1].header), raftIndex: LogIndex(kept) + 2)
      var rest = entries[...]
      var metadata: [[UInt8]] = []
      while let (step, _) = try applier.next(&rest, made: { _ in nil }) {
        if case .write(let made, _, _) = step { metadata += made.map(\.consenterMetadata) }
      }
      return metadata
    }
    let all = try metadata(from: 0)
    #expect(all.count == 10)
    for kept in 1...10 { #expect(try metadata(from: kept) == Array(all.dropFirst(kept))) }
  }

  @Test func whatTheLedgerHasIsPassedOverWithItsSize() throws {
    let (blocks, entries) = log([1, 1, 1])
    var applier = try applier(end: ChainEnd(after: blocks[1].header), raftIndex: 4)
    var rest = entries[...]
    var skipped = 0
    while let (step, _) = try applier.next(&rest, made: { _ in nil }) {
      if case .skip(let bytes) = step { skipped += bytes }
    }
    #expect(skipped == entries[2].data.count + entries[3].data.count)
    #expect(applier.end.height == 4)
  }

  @Test func aBlockThatWasMadeHereIsNotReadAgain() throws {
    let (blocks, entries) = log([1])
    var applier = try applier()
    var rest = entries[2...]
    let next = try applier.next(&rest) { position in
      position == LogPosition(term: 2, index: 3) ? blocks[0] : nil
    }
    guard case .write(let made, _, let newest) = next?.step else { return #expect(Bool(false)) }
    #expect(made[0].assembled.hash == blocks[0].hash)
    #expect(newest.number == 1)
  }

  @Test func aGapOrAnotherLinkIsAFault() throws {
    let (blocks, entries) = log([1, 1, 1])
    var gap = entries
    gap.remove(at: 3)
    var applier = try applier()
    #expect(throws: ChannelFault.self) { try steps(&applier, gap) }
    // The ledger has another block 2.
    let fork = AssembledBlock(number: 2, previousHash: blocks[0].hash, data: [[9]])
    applier = try self.applier(end: ChainEnd(after: fork.header), raftIndex: 4)
    #expect {
      try steps(&applier, entries)
    } throws: {
      "\($0)".contains("block 2 has the hash")
    }
  }

  @Test func whatASnapshotDidNotStandForIsPulledFromOthers() throws {
    let (blocks, entries) = log([1, 1, 1, 1])
    // The snapshot had the index of block 3 and the bytes of block 1.
    var rest = entries[5...]
    var follower = try applier(
      end: ChainEnd(after: blocks[0].header), raftIndex: 3, consenters: [1, 2, 3])
    guard case .pull(let last)? = try follower.next(&rest, made: { _ in nil })?.step else {
      return #expect(Bool(false))
    }
    #expect(last == 3)
    #expect(rest.count == 1)
    follower = try applier(
      end: ChainEnd(after: blocks[2].header), raftIndex: 5, consenters: [1, 2, 3])
    #expect(try steps(&follower, Array(rest)).map(\.numbers) == [[4]])
    // Nobody has it for the only consenter; and behind a block of this log nothing is missing for a good reason.
    var alone = try applier(end: ChainEnd(after: blocks[0].header), raftIndex: 3)
    #expect(throws: ChannelFault.self) { try steps(&alone, Array(rest)) }
    var torn = try applier(consenters: [1, 2, 3])
    #expect(throws: ChannelFault.self) { try steps(&torn, [entries[2], entries[5]]) }
  }

  @Test func changesOfTheMembershipAreHandedOutInTheirPlace() throws {
    var (_, entries) = log([1, 1])
    let change = MembershipChange(steps: [MembershipChange.Step(.addVoter, 2)])
    let data = try #require(change.entryData(.change))
    entries.insert(Entry(kind: .change, term: 2, index: 4, data: data[...]), at: 3)
    entries[4].index = 5
    // One that nobody can read is passed over by all.
    entries.append(Entry(kind: .change, term: 2, index: 6, data: [0xFF]))
    var applier = try applier()
    var rest = entries[...]
    var seen: [String] = []
    while let (step, through) = try applier.next(&rest, made: { _ in nil }) {
      switch step {
      case .skip: seen.append("skip \(through)")
      case .write(let blocks, _, _): seen.append("write \(blocks.count) \(through)")
      case .writeConfig: seen.append("config \(through)")
      case .change(let found):
        #expect(found.steps == change.steps)
        seen.append("change \(through)")
      case .pull(let last): seen.append("pull \(last)")
      }
    }
    #expect(seen == ["skip 1", "skip 2", "write 1 3", "change 4", "write 1 5", "skip 6"])
  }

  @Test func noEntryCrashesIt() throws {
    var random = SplitMix64(seed: 11)
    let (_, entries) = log([1, 2, 3])
    for _ in 0..<5_000 {
      var damaged = entries
      let place = Int.random(in: 2...4, using: &random)
      var data = Array(damaged[place].data)
      data[Int.random(in: data.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      damaged[place].data = data[...]
      var applier = try applier()
      _ = try? steps(&applier, damaged)
    }
  }
}
