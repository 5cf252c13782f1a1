// What a crash in the middle of a join leaves, and what the next start makes of it.

import BlockLedger
import Blocks
import Foundation
import Testing

@testable import Multichannel

@Suite struct JoinCrashTests {
  private let folder = JoinFolder()
  private let name = JoinFixture.channelID

  /// How far a join had come when the node was killed.
  enum Step: CaseIterable {
    case partOfTheJoinBlock, joinBlock, folder, genesisBlock
  }

  @Test(arguments: Step.allCases)
  func aJoinThatWasCutShortGoesOn(_ step: Step) async throws {
    let block = try JoinFixture.genesis()
    try folder.makeFolder("pendingops/join")
    let file = step == .partOfTheJoinBlock ? "\(name).join~" : "\(name).join"
    try Data(block.serialized()).write(
      to: URL(fileURLWithPath: "\(folder.path)/pendingops/join/\(file)"))
    if step == .folder { try folder.makeFolder("chains/\(name)") }
    if step == .genesisBlock {
      let ledgers = try FileLedgerFactory(
        directory: folder.path, signatures: CutSignatures(), logger: RegistrarTests.silent)
      try await ledgers.openOrCreate(name).append(block)
      await ledgers.close()
    }
    try await folder.withNode(TestCluster()) { registrar, _ in
      let isThere = step != .partOfTheJoinBlock
      #expect(registrar.channelNames.channels == (isThere ? [name] : []))
      #expect(registrar.channels().map(\.tip.height) == (isThere ? [1] : []))
    }
    #expect(folder.names("pendingops/join") == [])
  }

  @Test func anEmptyLedgerThatNobodyJoinedGoes() async throws {
    try folder.makeFolder("chains/abandoned")
    try await folder.withNode(TestCluster()) { registrar, _ in
      #expect(registrar.channelNames == ChannelNames())
    }
    #expect(folder.names("chains") == [])
  }

  @Test func aJoinBlockThatCannotBeUsedConcernsItsChannelOnly() async throws {
    try folder.makeFolder("pendingops/join")
    try Data([1, 2, 3]).write(
      to: URL(fileURLWithPath: "\(folder.path)/pendingops/join/damaged.join"))
    try Data(JoinFixture.genesis().serialized()).write(
      to: URL(fileURLWithPath: "\(folder.path)/pendingops/join/other.join"))
    try await folder.withNode(TestCluster()) { registrar, _ in
      for (name, reason) in [("damaged", "cannot be used"), ("other", "it is of channel")] {
        guard case .unavailable(let text) = registrar.lookUp(name) else {
          Issue.record("\(name) should be known with its reason")
          continue
        }
        #expect(text.contains(reason))
        #expect(try registrar.info(of: name).participation.status == .failed)
        try await registrar.remove(name)
      }
      _ = await registrar.map.wait { $0.states.isEmpty ? () : nil }
      #expect(folder.names("pendingops/join") == [])
    }
  }
}
