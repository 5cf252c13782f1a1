// A solo chain, driven through its time-outs by a clock that the test moves.

import Concurrency
import FabricProtos
import Logging
import Ordering
import Testing

@testable import SoloConsensus

@Suite struct SoloChainTests {
  private let time = ManualTime()
  private let channel: TestChannel
  private let chain: any Chain

  init() throws {
    channel = try TestChannel()
    let consenter = SoloConsenter(
      time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    chain = try consenter.makeChain(
      support: channel,
      newestBlock: Block(
        header: BlockHeader(number: 0, previousHash: [], dataHash: []), data: [], metadata: []))
  }

  private func order(_ texts: String...) async throws {
    let messages = try texts.map { try message($0) }
    #expect(await chain.order(messages) == .all(.taken))
  }

  @Test func toParticipationItIsNoClusterAndActive() {
    #expect(chain.participation == ParticipationStatus(relation: .other, status: .active))
    #expect(chain.healthComponent == nil)
  }

  // MARK: Batches

  @Test func aBatchIsCutWhenItsTimeIsOver() async throws {
    chain.start()
    try await order("a", "b")
    await time.waitForSleepers(1)
    time.advance(by: TestChannel.batchTimeout - .milliseconds(1))
    #expect(channel.state.read { $0.blocks }.isEmpty)
    time.advance(by: .milliseconds(1))
    #expect(await channel.blocks(1) == [["a", "b"]])
  }

  @Test func theOldestMessageDecidesWhenTheTimeIsOver() async throws {
    chain.start()
    try await order("a")
    await time.waitForSleepers(1)
    time.advance(by: .milliseconds(1_500))
    try await order("b")
    time.advance(by: .milliseconds(500))
    #expect(await channel.blocks(1)[0].first == "a")
  }

  @Test func aFullBatchDoesNotWaitAndTheNextOneHasItsOwnTime() async throws {
    chain.start()
    try await order("a", "b", "c")
    #expect(await channel.blocks(1) == [["a", "b", "c"]])
    time.advance(by: .milliseconds(1_000))
    try await order("d")
    await time.waitForSleepers(1)
    // The time of "a" is over, but that timer was stopped.
    time.advance(by: .milliseconds(1_500))
    #expect(channel.state.read { $0.blocks.count } == 1)
    time.advance(by: .milliseconds(500))
    #expect(await channel.blocks(2) == [["a", "b", "c"], ["d"]])
  }

  @Test func batchesThatWereCutTogetherAreWrittenTogether() async throws {
    // Before the start, so that all of it is there at once.
    try await order("a", "b", "c", "d", "e", "f", "g")
    chain.start()
    #expect(await channel.blocks(2) == [["a", "b", "c"], ["d", "e", "f"]])
    #expect(channel.state.read { $0.groups } == [2])
  }

  // MARK: Configurations

  @Test func aConfigMessageStandsAloneBehindWhatCameBefore() async throws {
    chain.start()
    try await order("a")
    #expect(await chain.configure(try message("config", isConfig: true)) == .taken)
    #expect(await channel.blocks(2) == [["a"], ["config"]])
    #expect(channel.bundle.sequence == 1)
  }

  @Test func whatANewerConfigurationForbidsIsInNoBlock() async throws {
    channel.state.change { $0.forbidden = ["old"] }
    #expect(await chain.configure(try message("config", isConfig: true)) == .taken)
    try await order("old", "fine", "good", "well")
    chain.start()
    #expect(await channel.blocks(2) == [["config"], ["fine", "good", "well"]])
  }

  // MARK: The end

  @Test func anOrderlyHaltWritesWhatIsPending() async throws {
    chain.start()
    try await order("a", "b")
    await chain.halt()
    #expect(channel.state.read { $0.blocks } == [["a", "b"]])
    let halted = ChainError.halted(channelID: "solo")
    #expect(await chain.order([try message("c")]) == .all(.refused(halted)))
    #expect(await chain.configure(try message("c", isConfig: true)) == .refused(halted))
    await #expect(throws: halted) { try await chain.waitReady() }
    #expect(chain.participation == ParticipationStatus(relation: .other, status: .inactive))
    #expect(channel.state.read { $0.failure } == nil)
  }

  @Test func everyHaltWaitsUntilNothingIsWrittenAnyMore() async throws {
    channel.state.change { $0.isBlocked = true }
    chain.start()
    try await order("a")
    let first = Task { [chain] in await chain.halt() }
    // The chain takes nothing more, so the first halt has come.
    while (try? await chain.waitReady()) != nil { await Task.yield() }
    let second = Task { [chain, channel] in
      await chain.halt()
      return channel.state.read { $0.blocks }
    }
    await Task.yield()
    channel.state.change { $0.isBlocked = false }
    #expect(await second.value == [["a"]])
    await first.value
  }

  @Test func aChainThatNeverStartedCanBeHalted() async throws {
    await chain.halt()
    chain.start()
    await #expect(throws: ChainError.halted(channelID: "solo")) { try await chain.waitReady() }
  }

  @Test func aChainThatCannotWriteFailsAndTellsWhy() async throws {
    channel.state.change { $0.refusal = TestChannel.Refused() }
    chain.start()
    try await order("a", "b", "c")
    let reason = await channel.state.wait { $0.failure }
    #expect(reason == "refused by the test")
    let failed = ChainError.failed(channelID: "solo", reason: reason)
    await #expect(throws: failed) { try await chain.waitReady() }
    #expect(await chain.order([try message("d")]) == .all(.refused(failed)))
    #expect(chain.participation.status == .failed)
    await chain.halt()
    #expect(chain.participation.status == .failed)
  }

  /// A message cannot have been validated against a configuration that is not in force yet.
  @Test func aMessageFromTheFutureEndsTheChannel() async throws {
    chain.start()
    #expect(await chain.order([try message("a", sequence: 7)]) == .all(.taken))
    let reason = await channel.state.wait { $0.failure }
    #expect(reason.contains("internal error"))
    #expect(channel.state.read { $0.blocks }.isEmpty)
  }

  @Test func whatWasCutBeforeAFaultIsWritten() async throws {
    chain.start()
    let messages = try ["a", "b", "c"].map { try message($0) } + [message("d", sequence: 7)]
    #expect(await chain.order(messages) == .all(.taken))
    _ = await channel.state.wait { $0.failure }
    #expect(channel.state.read { $0.blocks } == [["a", "b", "c"]])
  }

  // MARK: Room

  @Test func submittersAreSentAwayWhileTheLedgerHasNoRoom() async throws {
    let many = try (0..<SoloChain.maximumQueuedMessages).map { try message("\($0)") }
    // Not started, so that nothing leaves the queue.
    #expect(await chain.order(many) == .all(.taken))
    let waiting = Task { [chain] in await chain.order([try message("late")]) }
    chain.ledgerObstructed("the disk is full")
    let outcomes = try await waiting.value
    #expect(outcomes == .all(.refused(.overloaded(channelID: "solo"))))
    chain.ledgerObstructed(nil)
    chain.start()
    let blocks = many.count / TestChannel.maxMessageCount
    #expect(await channel.blocks(blocks).count == blocks)
    try await order("again")
  }
}
