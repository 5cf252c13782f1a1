// What waits for a member, and what becomes of it as streams come and go.

import Concurrency
import NIOCore
import Ordering
import TestSupport
import Testing

@testable import Cluster

private let begin = TimeSource.Instant.now

private func frame(_ size: Int = 1) -> ByteBuffer {
  ByteBuffer(bytes: [UInt8](repeating: 7, count: size))
}

private func fresh(count: Int = 3, bytes: Int = 100) -> EgressState {
  var settings = ClusterSettings()
  settings.sendBufferSize = count
  settings.sendBufferBytes = bytes
  return EgressState(settings)
}

extension EgressState {
  /// With a stream, and one message sent on it.
  fileprivate static func opened(count: Int = 3, bytes: Int = 100) -> EgressState {
    var state = fresh(count: count, bytes: bytes)
    #expect(state.offer(frame(), now: begin) == .first)
    #expect(state.opened(now: begin) == true)
    #expect(state.takeBatch(now: begin)?.count == 1)
    #expect(state.sent() == false)
    return state
  }
}

@Suite struct EgressStateTests {
  @Test func theFirstMessageMakesTheStreamAndWaitsForIt() {
    var egress = fresh()
    #expect(egress.takeBatch(now: begin) == nil)
    #expect(egress.offer(frame(), now: begin) == .first)
    #expect(egress.offer(frame(), now: begin) == .queued)
    #expect(egress.takeBatch(now: begin) == nil)
    #expect(egress.opened(now: begin) == true)
    #expect(egress.takeBatch(now: begin)?.count == 2)
    // What is being sent takes room until it has been sent.
    #expect(egress.offer(frame(), now: begin) == .queued)
    #expect(egress.takeBatch(now: begin) == nil)
    #expect(egress.sent() == false)
    #expect(egress.takeBatch(now: begin)?.count == 1)
  }

  @Test func tooManyMessagesGiveUpTheStream() {
    var egress = EgressState.opened()
    for _ in 0..<3 { #expect(egress.offer(frame(), now: begin) == .queued) }
    #expect(egress.offer(frame(), now: begin) == .overflow)
    #expect(egress.watch == .end("send queue overflown"))
    #expect(egress.offer(frame(), now: begin) == .refused)
    #expect(egress.takeBatch(now: begin) == nil)
    #expect(
      egress.ended("cancelled", now: begin)
        == EgressState.Loss(reason: "send queue overflown", isNews: true))
    #expect(egress.count == 0)
  }

  @Test func tooManyBytesGiveUpTheStreamButALargeMessageMayStandAlone() {
    var egress = EgressState.opened(count: 10, bytes: 100)
    #expect(egress.offer(frame(1000), now: begin) == .queued)
    #expect(egress.offer(frame(), now: begin) == .overflow)
  }

  @Test func aLostStreamIsMadeAgainAfterAWaitThatGrowsUpToItsBound() {
    var egress = EgressState.opened()
    var now = begin
    var waits: [Duration] = []
    for _ in 0..<7 {
      #expect(egress.ended("gone", now: now) != nil)
      let lost = now
      while egress.offer(frame(), now: now) == .refused { now += .milliseconds(10) }
      waits.append(now - lost)
      // It is there, but not for long.
      #expect(egress.opened(now: now) == true)
    }
    #expect(waits == [50, 100, 200, 400, 500, 500, 500].map { .milliseconds($0) })
    // One that lasted is made again soon.
    #expect(egress.ended("gone", now: now + .seconds(2)) != nil)
    #expect(egress.offer(frame(), now: now + .milliseconds(2040)) == .refused)
    #expect(egress.offer(frame(), now: now + .milliseconds(2050)) == .first)
  }

  @Test func aMemberThatIsHeardOfIsTriedAtOnce() {
    var egress = EgressState.opened()
    #expect(egress.ended("gone", now: begin) != nil)
    #expect(egress.offer(frame(), now: begin) == .refused)
    egress.retryNow()
    #expect(egress.offer(frame(), now: begin) == .first)
  }

  @Test func onlyTheFirstOfSeveralFailuresIsNews() {
    var egress = EgressState.opened()
    #expect(egress.ended("a", now: begin)?.isNews == true)
    egress.retryNow()
    #expect(egress.offer(frame(), now: begin) == .first)
    #expect(egress.ended("b", now: begin)?.isNews == false)
    egress.retryNow()
    #expect(egress.offer(frame(), now: begin) == .first)
    #expect(egress.opened(now: begin) == true)
    #expect(egress.takeBatch(now: begin) != nil)
    #expect(egress.sent() == true)
    #expect(egress.ended("c", now: begin)?.isNews == true)
  }

  @Test func submissionsWaitForRoomAndLearnWhetherTheyWereSent() throws {
    var egress = fresh(count: 3)
    let frames = (0..<5).map { _ in frame() }
    guard case .taken(3, let receipt, mustOpen: true)? = egress.admit(frames[...], now: begin)
    else {
      Issue.record("three of five should have been taken")
      return
    }
    #expect(egress.admit(frames[3...], now: begin) == nil)
    #expect(egress.outcome(receipt) == nil)
    #expect(egress.opened(now: begin) == true)
    #expect(egress.takeBatch(now: begin)?.count == 3)
    #expect(egress.outcome(receipt) == nil)
    _ = egress.sent()
    #expect(throws: Never.self) { try egress.outcome(receipt)?.get() }
    guard case .taken(2, let second, mustOpen: false)? = egress.admit(frames[3...], now: begin)
    else {
      Issue.record("the other two should have been taken")
      return
    }
    #expect(egress.ended("rpc timeout expired", now: begin) != nil)
    #expect(throws: EgressLoss(reason: "rpc timeout expired")) { try egress.outcome(second)?.get() }
    #expect(egress.admit(frames[...], now: begin) == .later(begin + .milliseconds(50)))
  }

  @Test func aSeriesGoesOnOneStream() {
    var egress = fresh(count: 3)
    let frames = (0..<5).map { _ in frame() }
    let (series, next) = (EgressSeries(origin(series: 1)), EgressSeries(origin(series: 2)))
    guard case .taken(3, _, mustOpen: true)? = egress.admit(frames[...], of: series, now: begin)
    else {
      Issue.record("three of five should have been taken")
      return
    }
    #expect(egress.opened(now: begin) == true)
    #expect(egress.takeBatch(now: begin)?.count == 3)
    _ = egress.sent()
    #expect(egress.ended("gone", now: begin) != nil)
    egress.retryNow()
    // What was sent may not have arrived: the rest must not arrive without it.
    #expect(egress.admit(frames[3...], of: series, now: begin) == .refused("gone"))
    guard case .taken(3, _, mustOpen: true)? = egress.admit(frames[...], of: next, now: begin)
    else {
      Issue.record("another series begins on the next stream")
      return
    }
  }

  @Test func aSeriesMayBeginOnAnyStream() {
    var egress = EgressState.opened()
    #expect(egress.ended("gone", now: begin) != nil)
    egress.retryNow()
    let series = EgressSeries(origin(series: 1))
    guard case .taken(1, _, mustOpen: true)? = egress.admit([frame()], of: series, now: begin),
      case .taken(1, _, mustOpen: false)? = egress.admit([frame()], of: series, now: begin)
    else {
      Issue.record("nothing of the series was lost")
      return
    }
  }

  private func origin(series: Int) -> SubmissionOrigin {
    SubmissionOrigin(life: 7, term: 1, series: series, number: 1)
  }

  @Test func whatIsClosedTakesNothingAndTellsNobody() {
    var egress = EgressState.opened()
    egress.close("no longer needed")
    #expect(egress.watch == .end("no longer needed"))
    #expect(egress.offer(frame(), now: begin) == .refused)
    #expect(egress.admit([frame()], now: begin) == .refused("no longer needed"))
    #expect(egress.ended("cancelled", now: begin) == nil)
    egress.retryNow()
    #expect(egress.offer(frame(), now: begin) == .refused)
  }

  /// Whatever happens, in whatever order: bounds hold, and nothing is counted twice.
  @Test func boundsHoldInRandomHistories() {
    for seed in 0..<300 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var egress = fresh(count: 5, bytes: 50)
      var now = begin
      for _ in 0..<200 {
        now += .milliseconds(.random(in: 0...120, using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0...2: _ = egress.offer(frame(.random(in: 0...30, using: &random)), now: now)
        case 3: _ = egress.admit([frame(10), frame(20)], now: now)
        case 4: _ = egress.opened(now: now)
        case 5: _ = egress.takeBatch(now: now)
        case 6: _ = egress.sent()
        default: if Bool.random(using: &random) { _ = egress.ended("gone", now: now) }
        }
        #expect((0...5).contains(egress.count))
      }
    }
  }
}
