// What a chain does when time passes. The test moves it, so no load can change what happens.

import Concurrency
import KafkaClient
import Metrics
import Ordering
import Testing

@testable import KafkaConsensus

@Suite struct KafkaChainTimeTests {
  private let time = ManualTime()
  private let brokers = FakeBrokers()

  private func start(
    _ channel: TestChannel, settings: KafkaSettings = KafkaSettings(),
    offsets: KafkaOffsets? = nil
  ) throws -> KafkaChain {
    let chain = try KafkaChain(
      support: channel,
      newestBlock: channel.newestBlock(holding: offsets?.serialized() ?? []), settings: settings,
      metrics: NOOPMetricsHandler.instance, time: time,
      brokers: { [brokers] _ throws(KafkaError) in brokers }, logger: testLogger)
    chain.start()
    return chain
  }

  /// A chain that works.
  private func started(
    _ channel: TestChannel, settings: KafkaSettings = KafkaSettings()
  ) async throws -> KafkaChain {
    let chain = try start(channel, settings: settings)
    await channel.waitUntilItWorks()
    return chain
  }

  /// Lets the next sleep end; how long it was.
  private func passOneSleep() async throws -> Duration {
    await time.waitForSleepers(1)
    let duration = try #require(time.nextAlarm) - time.now
    time.advance(by: duration)
    return duration
  }

  /// Lets several sleeps end, one after the other; how long each was.
  private func passSleeps(_ count: Int) async throws -> [Duration] {
    var durations: [Duration] = []
    for _ in 0..<count { durations.append(try await passOneSleep()) }
    return durations
  }

  // MARK: Batches

  @Test func aBatchThatIsPendingForTheTimeOutIsCut() async throws {
    let channel = try TestChannel("timed")
    let timeout = try #require(channel.bundle.orderer).batchTimeout
    let chain = try await started(channel)
    try await chain.submit("a")
    await time.waitForSleepers(1)
    time.advance(by: timeout - .milliseconds(1))
    #expect(brokers.now.records.allSatisfy { $0 != .timeToCut(1) })
    time.advance(by: .milliseconds(1))
    await channel.wait { $0.names == ["a"] }
    #expect(brokers.now.records.last == .timeToCut(1))
    await chain.halt()
  }

  @Test func aTimeToCutThatCannotBePostedIsPostedAfterAnotherTimeOut() async throws {
    let channel = try TestChannel("again")
    let timeout = try #require(channel.bundle.orderer).batchTimeout
    let chain = try await started(channel)
    try await chain.submit("a")
    await time.waitForSleepers(1)
    brokers.failPosts(.unreachable)
    #expect(try await passOneSleep() == timeout)
    await time.waitForSleepers(1)
    brokers.failPosts(nil)
    #expect(try await passOneSleep() == timeout)
    await channel.wait { $0.names == ["a"] }
    await chain.halt()
  }

  @Test func aBlockThatIsCutInTimeStopsTheTimer() async throws {
    let channel = try TestChannel("stopped")
    let count = Int(try #require(channel.bundle.orderer).batchSize.maxMessageCount)
    let chain = try await started(channel)
    try await chain.submit("0")
    await time.waitForSleepers(1)
    for number in 1..<count { try await chain.submit("\(number)") }
    await channel.wait { $0.names.count == count }
    #expect(time.nextAlarm == nil)
    await chain.halt()
  }

  // MARK: Starting

  @Test func attemptsToStartAreFrequentThenRareThenGivenUp() async throws {
    var settings = KafkaSettings()
    settings.retry.shortInterval = .seconds(1)
    settings.retry.shortTotal = .seconds(3)
    settings.retry.longInterval = .seconds(10)
    settings.retry.longTotal = .seconds(15)
    brokers.failCreations(.unreachable)
    let channel = try TestChannel("retried")
    let chain = try start(channel, settings: settings)
    #expect(
      try await passSleeps(5)
        == [.seconds(1), .seconds(1), .seconds(1), .seconds(10), .seconds(10)])
    #expect(await channel.failure().contains("cannot create the topic retried"))
    #expect(brokers.now.creations == 6)
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    await chain.halt()
  }

  @Test func postingTheFirstRecordIsRetriedLikewise() async throws {
    brokers.failPosts(.tooFewReplicas)
    let channel = try TestChannel("connect")
    let chain = try start(channel)
    #expect(try await passSleeps(2) == [.seconds(5), .seconds(5)])
    await time.waitForSleepers(1)
    brokers.failPosts(nil)
    time.advance(by: .seconds(5))
    await channel.waitUntilItWorks()
    #expect(brokers.now.connects == 1)
    await chain.halt()
  }

  @Test func anErrorThatWillAlwaysComeIsNotWaitedFor() async throws {
    brokers.failCreations(.topicRefused)
    let channel = try TestChannel("refused")
    let chain = try start(channel)
    _ = await channel.failure()
    #expect(brokers.now.creations == 1)
    await chain.halt()
  }

  @Test func aTopicThatThisNodeMayNotCreateIsUsed() async throws {
    brokers.failCreations(.cannotCreateTopics)
    let channel = try TestChannel("others")
    let chain = try await started(channel)
    try await chain.waitReady()
    await chain.halt()
  }

  @Test func brokersThatReturnEndAPause() async throws {
    brokers.failCreations(.unreachable)
    let channel = try TestChannel("returned")
    let chain = try start(channel)
    await time.waitForSleepers(1)
    brokers.failCreations(nil)
    brokers.setProblem(nil)
    await channel.waitUntilItWorks()
    #expect(brokers.now.creations == 2)
    await chain.halt()
  }

  @Test func aStartingChainTellsItsChannelWhyItWaits() async throws {
    brokers.failCreations(.unreachable)
    let channel = try TestChannel("waiting")
    let chain = try start(channel)
    #expect(channel.now.error == ChainTrouble.starting)
    await time.waitForSleepers(1)
    brokers.setProblem("no broker")
    #expect(channel.now.error == "\(ChainTrouble.starting): no broker")
    await chain.halt()
  }

  // MARK: Halting

  @Test func aChainThatPausesCanBeHalted() async throws {
    brokers.failCreations(.unreachable)
    let channel = try TestChannel("paused")
    let chain = try start(channel)
    await time.waitForSleepers(1)
    await chain.halt()
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    #expect(channel.now.failure == nil)
  }

  @Test func aChainThatWaitsForTheBrokersWordCanBeHalted() async throws {
    brokers.fallSilent()
    let channel = try TestChannel("silent")
    let chain = try start(channel)
    await brokers.wait { $0.posts == 1 }
    await chain.halt()
    await #expect(throws: ChainError.self) { try await chain.waitReady() }
    #expect(channel.now.failure == nil)
  }

  @Test func aHaltThatComesBeforeTheStartIsFinal() async throws {
    let channel = try TestChannel("early")
    let chain = try KafkaChain(
      support: channel, newestBlock: channel.newestBlock(), settings: KafkaSettings(),
      metrics: NOOPMetricsHandler.instance, time: time,
      brokers: { [brokers] _ throws(KafkaError) in brokers }, logger: testLogger)
    await chain.halt()
    chain.start()
    await chain.halt()
    #expect(brokers.now.creations == 0)
    #expect(chain.participation.status == .inactive)
  }

  // MARK: Outages

  @Test func withoutBrokersNothingIsPosted() async throws {
    let channel = try TestChannel("down")
    let chain = try await started(channel)
    let posts = brokers.now.posts
    brokers.setProblem("no broker")
    await #expect(throws: ChainError.self) { try await chain.submit("a") }
    #expect(brokers.now.posts == posts)
    brokers.setProblem(nil)
    try await chain.submit("a")
    await chain.halt()
  }

  @Test func anOutageThatOutlastsThePatienceSuspendsTheChannel() async throws {
    let settings = KafkaSettings()
    let channel = try TestChannel("outage")
    let chain = try await started(channel, settings: settings)
    brokers.setProblem("no broker")
    await time.waitForSleepers(1)
    time.advance(by: settings.client.readTimeout - .milliseconds(1))
    #expect(channel.now.error == nil)
    time.advance(by: .milliseconds(1))
    await channel.wait { $0.error == "no broker" }
    brokers.setProblem("still no broker")
    #expect(channel.now.error == "still no broker")
    brokers.setProblem(nil)
    #expect(channel.now.error == nil)
    await chain.halt()
  }

  @Test func aShortOutageIsNotTold() async throws {
    let settings = KafkaSettings()
    let channel = try TestChannel("short")
    let chain = try await started(channel, settings: settings)
    for _ in 0..<3 {
      brokers.setProblem("no broker")
      await time.waitForSleepers(1)
      time.advance(by: settings.client.readTimeout - .milliseconds(1))
      brokers.setProblem(nil)
      #expect(channel.now.error == nil)
    }
    await chain.halt()
  }

  @Test func aRecordShowsThatReadingWorksAgain() async throws {
    let settings = KafkaSettings()
    let channel = try TestChannel("doubted")
    let chain = try await started(channel, settings: settings)
    brokers.doubtLeader("the leader is away")
    // The probe sleeps, and the patience runs.
    await time.waitForSleepers(2)
    #expect(await chain.healthProblem()?.contains("the leader is away") == true)
    brokers.failPosts(.unreachable)
    let posts = brokers.now.posts
    time.advance(by: settings.client.consumerRetryBackoff)
    await brokers.wait { $0.posts == posts + 1 }
    await time.waitForSleepers(2)
    time.advance(by: settings.client.readTimeout - settings.client.consumerRetryBackoff)
    await channel.wait { $0.error == "the leader is away" }
    await brokers.wait { $0.posts == posts + 2 }
    brokers.failPosts(nil)
    await time.waitForSleepers(1)
    time.advance(by: settings.client.consumerRetryBackoff)
    await channel.waitUntilItWorks()
    #expect(brokers.now.connects == 2)
    await chain.halt()
  }

  @Test func aProblemOfReadingIsProbed() async throws {
    let channel = try TestChannel("problem")
    let chain = try await started(channel)
    brokers.inject(.problem(.broker(action: "read the topic problem", code: .unreachable)))
    await time.waitForSleepers(2)
    time.advance(by: .seconds(2))
    await brokers.wait { $0.connects == 2 }
    await chain.halt()
  }

  // MARK: Missing records

  @Test func aGapIsReadAgainAndEndsTheChainIfItLasts() async throws {
    let channel = try TestChannel("gap")
    let chain = try await started(channel)
    for attempt in 1...RecordPosition.maximumGaps {
      brokers.inject(.record(regular("late"), offset: 99))
      let expected = Duration.milliseconds(50) * (1 << min(attempt, 6))
      #expect(try await passOneSleep() == expected)
    }
    brokers.inject(.record(regular("late"), offset: 99))
    #expect(await channel.failure().contains("has no records from offset"))
    await chain.halt()
  }

  @Test func aGapThatDoesNotLastChangesNothing() async throws {
    let channel = try TestChannel("closed")
    let chain = try await started(channel)
    brokers.inject(.record(regular("late"), offset: 99))
    _ = try await passOneSleep()
    try await chain.submit("a")
    _ = try await passOneSleep()
    await channel.wait { $0.names == ["a"] }
    await chain.halt()
  }

  // MARK: Re-submission

  @Test func aMessageForAnOlderConfigurationIsPostedAgain() async throws {
    let channel = try TestChannel("outdated", sequence: 3)
    let chain = try await started(channel)
    try await chain.submit("a")
    // Only the second record begins a batch.
    await time.waitForSleepers(1)
    #expect(
      brokers.now.records.last
        == KafkaRecord(
          OrderedMessage(envelope: try message("a").envelope, configSequence: 3, isConfig: false),
          originalOffset: 1))
    _ = try await passOneSleep()
    await channel.wait { $0.names == ["a"] }
    await chain.halt()
  }

  @Test func attemptsToResubmitBecomeRare() async throws {
    let channel = try TestChannel("backoff", sequence: 3)
    brokers.failPosts(.unreachable)
    let chain = try start(channel)
    // The chain cannot start while posts fail, so an outdated record is handed to it later.
    await time.waitForSleepers(1)
    brokers.failPosts(nil)
    _ = try await passOneSleep()
    await channel.waitUntilItWorks()
    brokers.failPosts(.unreachable)
    brokers.inject(.record(regular("a"), offset: 1))
    #expect(
      try await passSleeps(8)
        == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map { .milliseconds($0) })
    await time.waitForSleepers(1)
    brokers.failPosts(nil)
    time.advance(by: .seconds(5))
    await brokers.wait { $0.records.count == 2 }
    await chain.halt()
  }

  @Test func aMessageThatHasBecomeTooLargeIsLostAndTheChainGoesOn() async throws {
    let channel = try TestChannel("large", sequence: 3)
    let chain = try await started(channel)
    brokers.failPosts(.tooLarge)
    let posts = brokers.now.posts
    brokers.inject(.record(regular("a"), offset: 1))
    await brokers.wait { $0.posts == posts + 1 }
    brokers.failPosts(nil)
    brokers.inject(.record(regular("b", sequence: 3), offset: 2))
    _ = try await passOneSleep()
    brokers.inject(.record(.timeToCut(1), offset: 3))
    await channel.wait { $0.names == ["b"] }
    await chain.halt()
  }

  // MARK: Health

  @Test func theTopicIsAskedOnlyIfItHasNotTakenARecordLately() async throws {
    let channel = try TestChannel("health")
    let chain = try await started(channel)
    try await chain.submit("good")
    brokers.failPosts(.tooFewReplicas)
    #expect(await chain.healthProblem() == nil)
    time.advance(by: TopicProbe.validity)
    #expect(await chain.healthProblem()?.contains("min.insync.replicas") == true)
    brokers.failPosts(nil)
    #expect(await chain.healthProblem() == nil)
    brokers.failPosts(.tooFewReplicas)
    #expect(await chain.healthProblem() == nil)
    await #expect(throws: ChainError.self) { try await chain.submit("bad") }
    #expect(await chain.healthProblem()?.contains("min.insync.replicas") == true)
    await chain.halt()
    #expect(await chain.healthProblem() == nil)
  }

  // MARK: What must always hold

  @Test func aLedgerThatLosesBlocksEndsItsChannel() async throws {
    let channel = try TestChannel("lost")
    let chain = try await started(channel)
    channel.loseBlocks()
    let count = Int(try #require(channel.bundle.orderer).batchSize.maxMessageCount)
    for number in 0..<count { try await chain.submit("\(number)") }
    let reason = await channel.failure()
    #expect(reason.contains("internal error"))
    #expect(reason.contains("the ledger has 1 blocks"))
    await chain.halt()
  }
}
