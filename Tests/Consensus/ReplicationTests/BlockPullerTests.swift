// Pulls over a network in memory.

import Blocks
import Concurrency
import FabricProtos
import Ordering
import ReplicationFixtures
import Synchronization
import TestSupport
import Testing

@testable import Replication

@Suite struct BlockPullerTests {
  private final class Taken: Sendable {
    private let runs = Mutex<[[UInt64]]>([])
    var numbers: [UInt64] { runs.withLock { $0.flatMap { $0 } } }
    func take(_ run: [Block]) { runs.withLock { $0.append(run.map(\.header.number)) } }
  }

  private let time = ManualTime()
  private let taken = Taken()

  private static func chain() throws -> MadeChain {
    var chain = try MadeChain(orderers: ["a:1", "b:1"])
    try chain.grow(by: 3)
    try chain.configure(maxMessageCount: 7)
    try chain.grow(by: 3)
    return chain
  }

  private func pull(
    _ puller: BlockPuller, _ chain: MadeChain, through last: UInt64? = nil
  ) async throws {
    try await puller.pull(
      chain.channelID, from: 1, through: last, under: MadeChain(orderers: ["a:1", "b:1"]).bundle,
      previousHash: ChainEnd(after: chain.blocks[0].header).lastHash
    ) { [taken] in taken.take($0) }
  }

  @Test func allBlocksComeInOrderAndConnectionsAreClosed() async throws {
    let chain = try Self.chain()
    for settings in [
      ReplicationSettings.patient,
      ReplicationSettings(bufferBytes: 1, pullTimeout: .seconds(10_000)),
    ] {
      let taken = Taken()
      let orderers = PretendedOrderers(chain.blocks)
      let puller = try orderers.puller(time: time, settings: settings)
      let genesis = ChainTrust(channelID: chain.channelID, bundle: nil, end: ChainEnd())
      try await puller.pull(behind: genesis, through: 7, from: .fixed(chain.bundle)) {
        taken.take($0)
      }
      #expect(taken.numbers == Array(0...7))
      #expect(orderers.openConnections == 0)
    }
  }

  @Test func aLiarAndAMiserAreOvercome() async throws {
    let chain = try Self.chain()
    let orderers = PretendedOrderers(chain.blocks)
    orderers.set(
      "a:1",
      .lying {
        var block = $0
        block.data.append([1])
        return block
      })
    orderers.set("b:1", .stingy(2))
    let puller = try orderers.puller(time: time)
    async let pulled: Void = pull(puller, chain, through: 7)
    await time.pass { taken.numbers.count >= 7 }
    try await pulled
    #expect(taken.numbers == Array(1...7))
    #expect(orderers.openConnections == 0)
  }

  @Test func whoDoesNotAnswerInTimeHasFailed() async throws {
    let chain = try Self.chain()
    let orderers = PretendedOrderers(chain.blocks)
    orderers.set("a:1", .silent)
    let puller = try orderers.puller(
      time: time, settings: ReplicationSettings(pullTimeout: .seconds(5)))
    async let height = puller.height(of: chain.channelID, under: chain.bundle)
    await time.waitForSleepers(1)
    try await eventually { orderers.openConnections == 1 }
    time.advance(by: .seconds(5))
    #expect(try await height == 8)
    #expect(orderers.openConnections == 0)
  }

  @Test func theHighestCounts() async throws {
    let chain = try Self.chain()
    let orderers = PretendedOrderers(chain.blocks)
    orderers.shorten("a:1", to: 3)
    #expect(try await orderers.puller().height(of: chain.channelID, under: chain.bundle) == 8)
    orderers.set("b:1", .gone)
    #expect(try await orderers.puller().height(of: chain.channelID, under: chain.bundle) == 3)
    orderers.set("a:1", .status(.forbidden))
    await #expect(throws: PullFailure.forbidden) {
      try await orderers.puller().height(of: chain.channelID, under: chain.bundle)
    }
    orderers.set("a:1", .status(.serviceUnavailable))
    await #expect(
      throws: PullFailure.unavailable("a:1: SERVICE_UNAVAILABLE; b:1: connection refused")
    ) {
      try await orderers.puller().height(of: chain.channelID, under: chain.bundle)
    }
  }

  @Test func theNewestConfigBlockIsFoundAndVerified() async throws {
    let chain = try Self.chain()
    let first = try MadeChain(orderers: ["a:1", "b:1"]).bundle
    let orderers = PretendedOrderers(chain.blocks)
    orderers.shorten("a:1", to: 2)
    let puller = try orderers.puller()
    #expect(
      try await puller.newestConfigBlock(of: chain.channelID, under: first) == chain.blocks[4])
    orderers.set(
      "b:1",
      .lying {
        var block = $0
        block.metadata[0] = []
        return block
      })
    #expect(
      try await puller.newestConfigBlock(of: chain.channelID, under: first) == chain.blocks[0])
    orderers.set("a:1", .gone)
    do {
      _ = try await puller.newestConfigBlock(of: chain.channelID, under: first)
      Issue.record("an unsigned block must not count")
    } catch PullFailure.invalid {}
    #expect(orderers.openConnections == 0)
  }

  @Test func whatAnOrdererClaimsIsNotVerified() async throws {
    let chain = try Self.chain()
    let orderers = PretendedOrderers(chain.blocks)
    orderers.shorten("a:1", to: 2)
    let puller = try orderers.puller()
    orderers.set(
      "b:1",
      .lying {
        var block = $0
        if block.header.number == 4 { block.metadata[0] = [] }
        return block
      })
    let claim = try await puller.claim(about: chain.channelID, under: chain.bundle)
    #expect(claim.configBlock.header == chain.blocks[4].header)
    #expect(claim.height == chain.height)
    // But it must be a config block of the channel.
    orderers.set("b:1", .lying { _ in chain.blocks[1] })
    let other = try await puller.claim(about: chain.channelID, under: chain.bundle)
    #expect(other.configBlock == chain.blocks[0])
    orderers.refuse(chain.channelID, .forbidden)
    await #expect(throws: PullFailure.forbidden) {
      try await puller.claim(about: chain.channelID, under: chain.bundle)
    }
    #expect(orderers.openConnections == 0)
  }

  @Test func whatTheCallerThrowsEndsThePull() async throws {
    struct Full: Error {}
    let chain = try Self.chain()
    let orderers = PretendedOrderers(chain.blocks)
    let puller = try orderers.puller()
    await #expect(throws: Full.self) {
      try await puller.pull(
        behind: ChainTrust(channelID: chain.channelID, bundle: nil, end: ChainEnd()), through: 7,
        from: .fixed(chain.bundle)
      ) { _ in throw Full() }
    }
    #expect(orderers.openConnections == 0)
  }

  @Test func aPullThatIsCancelledEnds() async throws {
    let chain = try Self.chain()
    let orderers = PretendedOrderers(chain.blocks)
    orderers.set("a:1", .silent)
    orderers.set("b:1", .silent)
    let puller = try orderers.puller(time: time, isPatient: true)
    let task = Task { try await pull(puller, chain, through: 100) }
    try await eventually { orderers.openConnections == 2 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(orderers.openConnections == 0)
  }

  @Test func afterTooManyAttemptsItFails() async throws {
    let chain = try Self.chain()
    let orderers = PretendedOrderers(chain.blocks)
    orderers.set("a:1", .gone)
    orderers.set("b:1", .gone)
    let puller = try orderers.puller(time: time)
    let isOver = Watched(false)
    let task = Task {
      defer { isOver.change { $0 = true } }
      try await pull(puller, chain, through: 7)
    }
    await time.pass { isOver.read { $0 } }
    await #expect(throws: PullFailure.self) { try await task.value }
    #expect(orderers.asked.count == 2 * ReplicationSettings.patient.maximumAttempts)
  }
}
