// A log that is cut off at any byte of its last three records: its channel goes on with the blocks that the ledger and
// the log have, or halts with a reason.

import FabricProtos
import Foundation
import Ordering
import ProcessingFixtures
import RaftCore
import RaftLog
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(.heavy, .serialized) struct CutLogTests {
  /// What a node left behind.
  private struct Remains {
    let fixture: ChainFixture
    /// From the genesis block on.
    let blocks: [Block]
    /// The entry of each block; 0 for the genesis block.
    let indexes: [LogIndex]
    /// The file name of the log's newest segment.
    let segment: String
    let bytes: [UInt8]
    /// Where the third-last record begins.
    let begin: Int
  }

  private static let channelID = "raftchannel"

  /// Smaller than one with a creator: each byte of it is a start of the channel.
  private func smallMessage(_ text: String) throws -> OrderedMessage {
    let header: [UInt8] = try Messages.channelHeader(Self.channelID, .endorserTransaction)
      .serializedBytes()
    let payload = try Messages.payload(header, [], Array(text.utf8))
    return OrderedMessage(
      envelope: try EnvelopeView(Messages.envelope(payload: payload, signature: [])),
      configSequence: 0, isConfig: false)
  }

  private func location(_ fixture: ChainFixture) -> RaftStorage.Location {
    RaftStorage.Location(
      channelID: Self.channelID, logFolder: "\(fixture.folder)/wal/\(Self.channelID)",
      snapshotFolder: "\(fixture.folder)/snapshot/\(Self.channelID)")
  }

  /// A channel of one consenter that wrote a few blocks and was ended.
  private func remains(snapshotInterval: UInt32) async throws -> Remains {
    let fixture = try ChainFixture(folder: ChainFixture.folderInMemory())
    let metadata = try raftConfig([1]) { $0.options.snapshotIntervalSize = snapshotInterval }
    let store = try await TestChannel.ledger(metadata, channelID: Self.channelID) {
      try $0.editBatchSize { $0.maxMessageCount = 1 }
    }
    let channel = try TestChannel(store, time: fixture.time)
    let chain = try fixture.start(channel)
    for number in 1...6 {
      try await chain.submit(messages: [smallMessage("\(number)")])
      await channel.wait(height: UInt64(number) + 1)
    }
    await chain.halt()
    var begins: [Int] = []
    let segments = try StoredLog(location(fixture)).walk { begins.append(Int($1.offset)) }
    let newest = try #require(segments.last)
    let bytes = try [UInt8](Data(contentsOf: URL(filePath: newest.path)))
    return Remains(
      fixture: fixture, blocks: try channel.allBlocks(),
      indexes: [0] + (try channel.metadata().map(\.raftIndex)),
      segment: URL(filePath: newest.path).lastPathComponent,
      bytes: Array(bytes.prefix(Int(newest.end))), begin: begins[begins.count - 3])
  }

  /// Starts the channel with so many blocks in its ledger and so many bytes in its log.
  private func start(_ remains: Remains, kept: Int, size: Int) async throws {
    let fixture = try remains.fixture.crashed()
    let location = location(fixture)
    try Data(remains.bytes.prefix(size)).write(
      to: URL(filePath: "\(location.logFolder)/\(remains.segment)"))
    let verdict = try StoredLog(location).verdict()
    let last = try #require(verdict).lastIndex
    let channel = try TestChannel(
      await TestChannel.ledger(copying: remains.blocks.prefix(kept)), time: fixture.time)
    let chain = try fixture.start(channel)
    let comment = Comment(rawValue: "cut at \(size), \(kept) blocks, the log ends at \(last)")
    if remains.indexes[kept - 1] > last {
      #expect(await channel.failure().contains("its end is lost"), comment)
      await #expect(throws: ChainError.self, comment) {
        try await chain.submit(messages: [smallMessage("after")])
      }
      await chain.halt()
      #expect(channel.height == kept, comment)
    } else {
      try await chain.waitReady()
      try await chain.submit(messages: [smallMessage("after")])
      await chain.halt()
      #expect(channel.now.failure == nil, comment)
      let there = max(kept, remains.indexes.count { $0 <= last })
      let expected = remains.blocks.prefix(there)
      let blocks = try channel.allBlocks()
      #expect(blocks.dropLast().map(\.header) == expected.map(\.header), comment)
      #expect(blocks.dropLast().map(\.data) == expected.map(\.data), comment)
      #expect(try channel.contents().last == ["after"], comment)
    }
    for number in 0..<kept {
      #expect(try channel.block(UInt64(number)) == remains.blocks[number], comment)
    }
    await fixture.remove()
  }

  /// - Parameter snapshotInterval: In bytes; 1 has a snapshot taken after each block.
  @Test(arguments: [16 << 20, 1] as [UInt32])
  func cutOffAnywhereTheChannelGoesOnOrHaltsWithAReason(snapshotInterval: UInt32) async throws {
    let remains = try await remains(snapshotInterval: snapshotInterval)
    for size in remains.begin...remains.bytes.count {
      // The ledger has all blocks, or was behind the log.
      for kept in [remains.blocks.count, remains.blocks.count - 2] {
        try await start(remains, kept: kept, size: size)
      }
    }
    await remains.fixture.remove()
  }
}
