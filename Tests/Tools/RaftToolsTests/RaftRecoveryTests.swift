// What a recovery is going to do with folders that Go's orderers left, and what it refuses.

import BlockLedger
import Foundation
import Logging
import RaftCore
import RaftLog
import TestSupport
import Testing

@testable import RaftTools

@Suite(.enabled(if: RaftVectors.areThere)) struct RaftRecoveryTests {
  private let temporary: TemporaryFolder
  private let channel = "vector-group"

  init() throws {
    temporary = try TemporaryFolder()
    try RaftVectors.unpack("raft-group-v2.5.16-behind", into: URL(filePath: temporary.path))
  }

  private func root(_ node: Int) -> String { "\(temporary.path)/node\(node)" }

  private func location(_ node: Int) -> RaftStorage.Location {
    RaftFolders(
      logs: "\(root(node))/etcdraft/wal", snapshots: "\(root(node))/etcdraft/snapshot"
    ).location(channel)
  }

  private func ledger(_ node: Int) throws -> StoredChain {
    try LedgerFolder(directory: "\(root(node))/ledger").chain(channel)
  }

  private func recovery(
    of node: Int, voters: Set<NodeID> = [], discardsLog: Bool = false
  ) throws -> RaftRecovery {
    var choice = RaftRecovery.Choice()
    choice.node = NodeID(node)
    choice.voters = voters
    choice.discardsLog = discardsLog
    return try RaftRecovery(location(node), ledger: ledger(node), choice)
  }

  /// Cuts off the ledger's last blocks.
  private func shortenLedger(of node: Int, to height: UInt64) throws {
    let chain = try ledger(node)
    let block = try chain.block(height)
    let file = try #require(FileHandle(forUpdatingAtPath: block.file))
    try file.truncate(atOffset: UInt64(block.offset))
    try file.close()
  }

  private func open(_ node: Int) throws -> RaftStorage {
    try RaftStorage(
      location(node), logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  @Test func thisNodeIsTheOnlyVoter() throws {
    let recovery = try recovery(of: 2)
    #expect(recovery.height == 31 && recovery.blocksInLog == 0 && recovery.logUnused == nil)
    #expect(recovery.consenters.filter(\.votes).map(\.id) == [2])
    let text = RaftText.plan(recovery)
    #expect(text.contains("31 blocks, the newest has the hash \(recovery.newestBlockHash)"))
    #expect(text.contains("3 127.0.0.1:19052: IS GIVEN UP"))
    let kept = try recovery.carryOut(LogReplacement(location(2)))
    #expect(kept.allSatisfy { $0.hasSuffix("~1") } && kept.count == 2)
    #expect(RaftText.outcome(recovery, kept: kept).contains("one update each: 1 (127.0.0.1:19050)"))
    let storage = try open(2)
    #expect(
      storage.found.snapshot?.members == MembershipState(voters: [2], learners: [1, 3]))
    #expect(storage.found.hardState == HardState(term: 3, vote: 0, commit: 34))
    #expect(storage.lastIndex == 34 && storage.term(of: 34) == 2)
    try storage.close()
    // What is kept aside is no channel.
    let folders = RaftFolders(
      logs: "\(root(2))/etcdraft/wal", snapshots: "\(root(2))/etcdraft/snapshot")
    #expect(try folders.channelIDs() == [channel])
  }

  @Test func blocksThatTheLogAloneHasAreKept() throws {
    try shortenLedger(of: 2, to: 29)
    let recovery = try recovery(of: 2, voters: [1, 2])
    #expect(recovery.height == 29 && recovery.blocksInLog == 2 && recovery.index == 32)
    _ = try recovery.carryOut(LogReplacement(location(2)))
    let storage = try open(2)
    #expect(storage.lastIndex == 34 && storage.found.hardState.commit >= 32)
    #expect(
      try storage.entries(from: 33, to: 35, maximumBytes: .max).map { EntryDescription($0).block }
        == [29, 30])
    try storage.close()
  }

  @Test func aLedgerThatIsOlderThanTheLogIsRefused() throws {
    try shortenLedger(of: 2, to: 5)
    let error = try #require(throws: RaftToolsError.self) { try recovery(of: 2) }
    #expect("\(error)".contains("the ledger is older than the log"))
    let alone = try recovery(of: 2, discardsLog: true)
    #expect(alone.height == 5 && alone.logUnused != nil && alone.index > 34 && alone.term == 3)
  }

  @Test func aLogThatIsGoneOrEndsBeforeTheLedgerIsNotNeeded() throws {
    try FileManager.default.removeItem(atPath: location(3).logFolder)
    let gone = try recovery(of: 3)
    #expect(gone.logUnused?.contains("there is no raft log") == true && gone.blocksInLog == 0)
    #expect(throws: RaftToolsError.self) { try recovery(of: 3, voters: [2, 3]) }
    _ = try gone.carryOut(LogReplacement(location(3)))
    #expect(try open(3).found.snapshot?.members.voters == [3])

    // The log of node 1 ends at block 16.
    try FileManager.default.removeItem(atPath: "\(root(1))/ledger")
    try FileManager.default.copyItem(atPath: "\(root(2))/ledger", toPath: "\(root(1))/ledger")
    let behind = try recovery(of: 1)
    #expect(behind.height == 31 && behind.logUnused?.contains("ends before") == true)
    #expect(behind.index >= 34)
  }

  @Test func anotherBlockInTheLogIsTold() throws {
    let chain = try ledger(2)
    let block = try chain.block(30)
    var bytes = Array(try Data(contentsOf: URL(filePath: block.file)))
    // The header begins with the number; the previous hash follows.
    let hash = block.header.previousHash
    let place = try #require(
      (Int(block.offset)..<bytes.count - hash.count).first {
        bytes[$0..<$0 + hash.count].elementsEqual(hash)
      })
    bytes[place] ^= 1
    try Data(bytes).write(to: URL(filePath: block.file))
    let error = try #require(throws: RaftToolsError.self) { try recovery(of: 2) }
    #expect("\(error)".contains("has the hash") && "\(error)".contains("entry 34 of the Raft log"))
  }

  @Test func whoIsNoConsenterIsRefused() throws {
    var stranger = RaftRecovery.Choice()
    stranger.node = 9
    #expect(throws: RaftToolsError.self) {
      try RaftRecovery(location(2), ledger: ledger(2), stranger)
    }
    #expect(throws: RaftToolsError.self) { try recovery(of: 2, voters: [2, 9]) }
    #expect(throws: RaftToolsError.self) { try recovery(of: 2, voters: [1, 3]) }
    #expect(throws: RaftToolsError.self) {
      try RaftRecovery(location(2), ledger: ledger(2), RaftRecovery.Choice())
    }
  }
}
