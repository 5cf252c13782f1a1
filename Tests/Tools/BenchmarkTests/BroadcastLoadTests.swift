// A stream's share is sent once, in order and within its window, whatever the orderer does.

import Concurrency
import NIOCore
import Testing

@testable import Benchmark

struct BroadcastLoadTests {
  private static let envelopes = (0..<100).map { ByteBuffer(bytes: [UInt8($0)]) }

  private static func load(
    _ orderer: FakeOrderer, _ run: LoadRun, numbers: Range<Int> = 0..<100, window: Int = 8,
    rate: Double? = nil
  ) -> BroadcastLoad {
    BroadcastLoad(
      connection: orderer, envelopes: envelopes, numbers: numbers, window: window,
      schedule: rate.map { LoadSchedule(rate: $0, stream: 0, of: 1, numbers: numbers) }, run: run)
  }

  private static func run(_ time: ManualTime = ManualTime(), deadline: RunTime = .max) -> LoadRun {
    LoadRun(count: 100, deadline: deadline, clock: RunClock(time))
  }

  private static func sent(_ orderer: FakeOrderer) -> [UInt8] {
    orderer.state.read { $0.envelopes.flatMap(\.self) }
  }

  @Test("Flat out, all go over one stream, never more than the window at a time")
  func flatOut() async {
    let (orderer, run) = (FakeOrderer(), Self.run())
    await Self.load(orderer, run).send(.long)
    #expect(Self.sent(orderer) == Array(0..<100))
    let state = orderer.state.read { $0 }
    #expect(state.streams == 1 && state.openStreams == 0 && state.largestFlush == 8)
    #expect(run.current.acknowledged == 100 && run.current.settled == 100)
  }

  @Test("One envelope per stream makes a stream for each")
  func onePerStream() async {
    let (orderer, run) = (FakeOrderer(), Self.run())
    await Self.load(orderer, run, numbers: 20..<60).send(.onePerEnvelope)
    #expect(Self.sent(orderer) == Array(20..<60))
    #expect(orderer.state.read { $0.streams } == 40 && run.current.acknowledged == 40)
    #expect(orderer.state.read { $0.openStreams } == 0)
  }

  @Test("After a refusal or a broken stream the rest goes over another", arguments: [true, false])
  func reopening(breaks: Bool) async {
    let orderer = FakeOrderer { number in
      number % 30 == 10 ? (breaks ? .breakOff : .refuse) : .answer
    }
    let run = Self.run()
    await Self.load(orderer, run).send(.long)
    #expect(Self.sent(orderer) == Array(0..<100))
    let account = run.current
    #expect(account.settled == 100 && orderer.state.read { $0.streams } > 1)
    #expect(account.refused.isEmpty == breaks && (account.failures > 0) == breaks)
    #expect(account.unanswered > 0)
  }

  @Test(
    "An orderer that refuses everything is not asked for ever",
    arguments: [
      StreamUse.long, .onePerEnvelope,
    ])
  func hopeless(use: StreamUse) async {
    let orderer = FakeOrderer { _ in .refuse }
    let run = Self.run()
    await Self.load(orderer, run, window: 1).send(use)
    let account = run.current
    #expect(account.acknowledged == 0 && account.refused == [400: 100])
    #expect(account.isHopeless(limit: LoadRun.failureLimit))
    #expect(account.reasons == ["status 400: "])
  }

  @Test(
    "At a fixed rate nothing goes before it is due, and what is late counts from when it was due")
  func paced() async throws {
    let (orderer, time) = (FakeOrderer(isAwake: false), ManualTime())
    let run = Self.run(time)
    let load = Self.load(orderer, run, numbers: 0..<10, window: 4, rate: 1_000)
    async let done: Void = load.send(.long)
    await orderer.state.wait { $0.envelopes.count == 1 ? () : nil }
    await time.waitForSleepers(1)
    time.advance(by: .milliseconds(2))
    // Numbers 1 and 2, one after the other or together.
    await orderer.state.wait { $0.envelopes.count == 3 ? () : nil }
    await time.waitForSleepers(1)
    // The orderer answers nothing for a while: the window holds the rest back.
    time.advance(by: .milliseconds(98))
    await orderer.state.wait { $0.envelopes.count == 4 ? () : nil }
    orderer.state.change { $0.isAwake = true }
    await done
    #expect(Self.sent(orderer) == Array(0..<10))
    let latency = try #require(run.current.acknowledgeLatency.summary)
    #expect(latency.count == 10 && abs(latency.maximum - 100) < 0.1)
    // The last was due after 9 ms, and could go after 100.
    #expect(latency.median > 94)
  }

  @Test("Nothing is sent after the deadline")
  func deadline() async {
    let time = ManualTime()
    let run = Self.run(time, deadline: 50)
    time.advance(by: .nanoseconds(60))
    let orderer = FakeOrderer()
    await Self.load(orderer, run).send(.long)
    #expect(Self.sent(orderer).isEmpty)
  }

  @Test(
    "Whoever waits for answers that do not come ends with the task",
    arguments: [
      StreamUse.long, .onePerEnvelope,
    ])
  func cancellation(use: StreamUse) async {
    let orderer = FakeOrderer { _ in .ignore }
    let run = Self.run()
    let task = Task { await Self.load(orderer, run).send(use) }
    await orderer.state.wait { $0.envelopes.isEmpty ? nil : () }
    task.cancel()
    await task.value
    #expect(run.current.acknowledged == 0 && run.current.unanswered == run.current.sent)
    #expect(run.current.failures == 0)
  }
}
