// Health checks: all are asked, none twice at a time, and none for ever.

import Concurrency
import GoText
import HTTPTransport
import Synchronization
import TestSupport
import Testing

@testable import Operations

@Suite struct HealthChecksTests {
  @Test func withoutChecksAllIsWell() async {
    #expect(await HealthChecks(time: ManualTime()).failures() == [])
  }

  @Test func failuresAreNamedInTheOrderOfTheComponents() async throws {
    let checks = HealthChecks(time: ManualTime())
    try checks.register(component: "kafka") { "no brokers" }
    try checks.register(component: "disk") { nil }
    try checks.register(component: "channel b") { "halted" }
    try checks.register(component: "channel a") { "halted" }
    let failures = await checks.failures()
    #expect(failures?.map(\.component) == ["channel a", "channel b", "kafka"])
    #expect(failures?.last?.reason == "no brokers")
    checks.deregister(component: "kafka")
    #expect(await checks.failures()?.count == 2)
  }

  @Test func aComponentHasOneCheck() throws {
    let checks = HealthChecks(time: ManualTime())
    try checks.register(component: "kafka") { nil }
    let error = #expect(throws: HealthCheckError.self) {
      try checks.register(component: "kafka") { nil }
    }
    #expect(error?.description == "'kafka' is already registered")
  }

  @Test func aCheckThatHangsEndsTheRequestAndNotTheOthers() async throws {
    let time = ManualTime()
    let checks = HealthChecks(timeout: .seconds(30), time: time)
    let runs = Mutex(0)
    let stuck = Mutex<CheckedContinuation<Void, Never>?>(nil)
    try checks.register(component: "stuck") {
      let isFirst = runs.withLock { runs in
        runs += 1
        return runs == 1
      }
      // Deaf to its cancellation.
      if isFirst { await withCheckedContinuation { next in stuck.withLock { $0 = next } } }
      return nil
    }
    for _ in 0..<5 {
      async let failures = checks.failures()
      await time.waitForSleepers(1)
      time.advance(by: .seconds(30))
      #expect(await failures == nil)
    }
    try await eventually { stuck.withLock { $0 != nil } }
    #expect(runs.withLock { $0 } == 1)
    stuck.withLock { $0.take() }?.resume()
    #expect(await checks.failures() == [])
  }

  @Test func aCheckIsCancelledWhenNobodyWaits() async throws {
    let time = ManualTime()
    let checks = HealthChecks(timeout: .seconds(30), time: time)
    let (ends, end) = AsyncStream<Void>.makeStream()
    try checks.register(component: "slow") {
      await untilCancelled()
      end.finish()
      return nil
    }
    async let failures = checks.failures()
    await time.waitForSleepers(1)
    time.advance(by: .seconds(30))
    #expect(await failures == nil)
    for await _ in ends {}
  }

  @Test func allWhoAskAtTheSameTimeShareARun() async throws {
    let runs = Mutex(0)
    let (gate, open) = AsyncStream<Void>.makeStream()
    let check = SharedCheck {
      runs.withLock { $0 += 1 }
      for await _ in gate {}
      return "down"
    }
    await withTaskGroup(of: SharedCheck.Result.self) { group in
      for _ in 0..<100 { group.addTask { await check.result() } }
      while check.askers < 100 { await Task.yield() }
      open.finish()
      for await result in group { #expect(result == .failed("down")) }
    }
    #expect(runs.withLock { $0 } == 1)
    #expect(check.askers == 0)
  }

  @Test func theAnswerIsGosJSON() {
    let time = UnixTime(seconds: 1_795_380_710, nanoseconds: 188_401_820)
    let well = OperationsRoutes.health([], time: time)
    #expect(well.status == 200)
    #expect(
      String(decoding: well.body, as: UTF8.self)
        == #"{"status":"OK","time":"2026-11-22T20:51:50.18840182Z"}"#)
    let ill = OperationsRoutes.health(
      [.init(component: "kafka", reason: "a \"quote\" <b>\n")], time: UnixTime(seconds: 0))
    #expect(ill.status == 503)
    #expect(
      String(decoding: ill.body, as: UTF8.self)
        == #"{"status":"Service Unavailable","time":"1970-01-01T00:00:00Z","failed_checks":"#
        + #"[{"component":"kafka","reason":"a \"quote\" \u003cb\u003e\n"}]}"#)
  }

  @Test func aWarningDoesNotChangeTheStatus() async throws {
    let checks = HealthChecks(time: ManualTime())
    checks.warn(component: "b") { "soon" }
    checks.warn(component: "a") { nil }
    checks.warn(component: "b") { "sooner" }
    let answer = OperationsRoutes.health(
      [], warnings: checks.warnings(), time: UnixTime(seconds: 0))
    #expect(answer.status == 200)
    #expect(
      String(decoding: answer.body, as: UTF8.self)
        == #"{"status":"OK","time":"1970-01-01T00:00:00Z","warnings":"#
        + #"[{"component":"b","reason":"sooner"}]}"#)
  }
}
