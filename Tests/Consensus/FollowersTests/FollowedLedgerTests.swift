// The ledger of a followed channel.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Ordering
import ProcessingFixtures
import ReplicationFixtures
import TestSupport
import Testing

@testable import Followers

@Suite struct FollowedLedgerTests {
  /// A follower's ledger that has the given blocks, and the node that hears of it.
  private func ledger(
    _ blocks: [Block], isStale: Bool = false
  ) async throws -> (FollowedLedger, FollowingNode) {
    let store = try await RAMLedgerFactory(historySize: 1_000).openOrCreate("raftchannel")
    for block in blocks { try await store.append(block) }
    let node = FollowingNode(height: { store.height })
    let ledger = FollowedLedger(
      store: store,
      bundle: try blocks.last { $0.configEnvelope != nil }.map {
        try ConfigBundle(configEnvelope: $0.data[0])
      },
      join: nil, isStale: isStale, support: node, signer: try TestIdentity.ordererNode(),
      metrics: .disabled, time: ManualTime(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return (ledger, node)
  }

  /// Blocks 0 to 5; the configuration changes in block 2.
  private func chain() throws -> MadeChain {
    var chain = try MadeChain()
    try chain.grow()
    try chain.configure(maxMessageCount: 77)
    try chain.grow(by: 3)
    return chain
  }

  private func expect(
    _ ledger: FollowedLedger, _ node: FollowingNode, hasNoneButThe blocks: ArraySlice<Block>
  ) throws {
    #expect(try (0..<ledger.height).map { try ledger.store.block($0) } == Array(blocks))
    #expect(ledger.bundle?.sequence == 0)
    #expect(ledger.role == .follower)
    #expect(node.told.read { $0.configurations } == [0])
  }

  @Test func blocksAreTakenByteForByteAndConfigurationsTakeEffect() async throws {
    let blocks = try chain().blocks
    let (ledger, node) = try await ledger([])
    // In several runs, as they come.
    for run in [blocks[..<1], blocks[1..<4], blocks[4..<5], blocks[5...]] {
      try await ledger.commit(Array(run))
    }
    for block in blocks {
      let stored = try await ledger.store.serializedBlocks(
        from: block.header.number, count: 1, bytes: 1)[0]
      #expect(Array(stored.readableBytesView) == block.serialized())
    }
    #expect(ledger.bundle?.sequence == 1)
    #expect(ledger.role == .consenter)
    #expect(node.told.read { $0.configurations } == [0, 1])
  }

  @Test func aConfigurationInABlockThatDoesNotFitTakesNoEffect() async throws {
    var blocks = try chain().blocks
    blocks[2].header.previousHash[0] ^= 1
    let (ledger, node) = try await ledger([])
    await #expect(throws: BlockError.self) { try await ledger.commit(blocks) }
    try expect(ledger, node, hasNoneButThe: blocks[..<2])
  }

  @Test func aConfigurationThatTheOneInForceDoesNotAllowIsNotWritten() async throws {
    var chain = try chain()
    let (ledger, node) = try await ledger([])
    try await ledger.commit(Array(chain.blocks[..<2]))
    // The next configuration but one.
    try chain.configure(maxMessageCount: 5)
    await #expect(throws: ConfigError.self) { try await ledger.commit([chain.blocks[6]]) }
    try expect(ledger, node, hasNoneButThe: chain.blocks[..<2])
  }

  /// Told that it is not the consenter that its newest configuration names, a node waits for a later one.
  @Test func aStaleConfigurationDoesNotCount() async throws {
    var chain = try chain()
    let (ledger, _) = try await ledger(chain.blocks, isStale: true)
    #expect(ledger.position == FollowerCore.Position(height: 6, isConsenter: false))
    #expect(ledger.role == .consenter)
    try chain.grow()
    try await ledger.commit([chain.blocks[6]])
    #expect(ledger.position == FollowerCore.Position(height: 7, isConsenter: false))
    try chain.configure { try $0.editBatchSize { $0.preferredMaxBytes = 1_000 } }
    try await ledger.commit([chain.blocks[7]])
    #expect(ledger.position == FollowerCore.Position(height: 8, isConsenter: true))
  }
}
