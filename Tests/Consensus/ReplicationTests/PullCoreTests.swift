// Whom a pull asks, what it does with the answers, and when it gives up.

import Blocks
import FabricProtos
import Ordering
import ReplicationFixtures
import Testing

@testable import Replication

@Suite struct PullCoreTests {
  private let chain: MadeChain
  private let endpoints: [OrdererEndpoint]

  init() throws {
    var chain = try MadeChain(orderers: ["a:1", "b:1", "c:1"])
    try chain.grow(by: 9)
    self.chain = chain
    endpoints = OrdererEndpoint.all(in: chain.bundle)
  }

  private func core(
    from first: Int = 1, through last: UInt64? = nil, bytes: Int = 1 << 20, attempts: Int? = 3
  ) -> PullCore {
    PullCore(
      ChainTrust(
        channelID: chain.channelID, bundle: first == 0 ? nil : chain.bundle,
        end: first == 0 ? ChainEnd() : ChainEnd(after: chain.blocks[first - 1].header)),
      through: last, from: .following(chain.bundle),
      limits: PullCore.Limits(
        bufferBytes: bytes, retryTimeout: .seconds(5), attempts: attempts))
  }

  /// An effect in short.
  private func text(_ effect: PullCore.Effect) -> String {
    switch effect {
    case .probe(let asked): "probe \(asked.map(\.address).joined(separator: " "))"
    case .open(let endpoint, let first): "open \(endpoint) \(first)"
    case .receive: "receive"
    case .pause(let duration): "pause \(duration)"
    case .take(let blocks):
      "take \(blocks.map { String($0.header.number) }.joined(separator: " "))"
    case .finish: "finish"
    case .fail(.forbidden): "forbidden"
    case .fail(.unavailable): "unavailable"
    case .fail(.invalid): "invalid"
    }
  }

  private func probed(
    _ core: inout PullCore, _ answers: [PullCore.Probe], pick: UInt64 = 0
  ) -> String {
    text(core.probed(Dictionary(uniqueKeysWithValues: zip(endpoints, answers)), pick: pick))
  }

  private func receive(_ core: inout PullCore, _ number: Int, bytes: Int = 100) -> String {
    text(core.received(chain.blocks[number], bytes: bytes))
  }

  @Test func blocksArePulledInOneRunFromOneThatHasThem() {
    var core = core(through: 3)
    #expect(text(core.begin()) == "probe a:1 b:1 c:1")
    #expect(probed(&core, [.newest(0), .newest(9), .failed("gone")]) == "open b:1 1")
    #expect(text(core.opened()) == "receive")
    #expect(receive(&core, 1) == "receive")
    #expect(receive(&core, 2) == "receive")
    #expect(receive(&core, 3) == "take 1 2 3")
    #expect(text(core.taken()) == "finish")
  }

  @Test func aFullBufferEndsARunAndTheStreamGoesOn() {
    var core = core(through: 4, bytes: 200)
    _ = core.begin()
    _ = probed(&core, [.newest(9), .newest(9), .newest(9)])
    _ = core.opened()
    #expect(receive(&core, 1) == "receive")
    #expect(receive(&core, 2) == "take 1 2")
    #expect(text(core.taken()) == "receive")
    #expect(receive(&core, 3, bytes: 1_000) == "take 3")
    #expect(text(core.taken()) == "receive")
    #expect(receive(&core, 4) == "take 4")
    #expect(text(core.taken()) == "finish")
  }

  @Test func aRandomOneIsChosen() {
    var chosen: Set<String> = []
    for pick in 0..<6 as Range<UInt64> {
      var core = core(through: 3)
      _ = core.begin()
      chosen.insert(probed(&core, [.newest(9), .newest(9), .newest(9)], pick: pick))
    }
    #expect(chosen == ["open a:1 1", "open b:1 1", "open c:1 1"])
  }

  @Test func whatOneDoesNotHaveAnotherIsAskedFor() {
    var core = core(through: 3)
    _ = core.begin()
    _ = probed(&core, [.newest(1), .failed(""), .failed("")])
    _ = core.opened()
    #expect(receive(&core, 1) == "take 1")
    #expect(text(core.taken()) == "probe a:1 b:1 c:1")
    #expect(probed(&core, [.newest(1), .newest(9), .failed("")]) == "open b:1 2")
  }

  @Test func whoFailsIsPassedOverUntilNobodyElseIsLeft() {
    var core = core(through: 3)
    _ = core.begin()
    let all = [PullCore.Probe](repeating: .newest(9), count: 3)
    var asked: [String] = []
    for _ in 0..<2 {
      asked.append(probed(&core, all))
      #expect(text(core.lost("broken")) == "pause 5.0 seconds")
      _ = core.paused()
    }
    asked.append(probed(&core, all))
    #expect(asked == ["open a:1 1", "open b:1 1", "open c:1 1"])
    #expect(text(core.lost("broken")) == "unavailable")
  }

  @Test func whatCameBeforeAStreamBrokeCounts() {
    var core = core(through: 3)
    _ = core.begin()
    let all = [PullCore.Probe](repeating: .newest(9), count: 3)
    _ = probed(&core, all)
    _ = core.opened()
    _ = receive(&core, 1)
    #expect(text(core.lost("broken")) == "take 1")
    #expect(text(core.taken()) == "probe a:1 b:1 c:1")
    #expect(probed(&core, all) == "open b:1 2")
  }

  @Test func whoSendsWhatIsNotValidIsNotTrustedAgain() {
    var core = core(through: 3)
    _ = core.begin()
    let all = [PullCore.Probe](repeating: .newest(9), count: 3)
    _ = probed(&core, all)
    _ = core.opened()
    var bad = chain.blocks[1]
    bad.metadata[0] = []
    _ = core.received(bad, bytes: 10)
    _ = receive(&core, 2)
    // The whole run is refused.
    #expect(receive(&core, 3) == "pause 5.0 seconds")
    _ = core.paused()
    for pick in 0..<4 as Range<UInt64> {
      var copy = core
      #expect(probed(&copy, all, pick: pick) != "open a:1 1")
    }
    #expect(probed(&core, [.newest(9), .failed(""), .newest(0)]) == "open a:1 1")
  }

  @Test func aBlockOutOfTurnEndsTheRun() {
    var core = core(through: 5)
    _ = core.begin()
    _ = probed(&core, [.newest(9), .newest(9), .newest(9)])
    _ = core.opened()
    _ = receive(&core, 1)
    #expect(receive(&core, 3) == "take 1")
    #expect(text(core.taken()) == "probe a:1 b:1 c:1")
    #expect(probed(&core, [.newest(9), .newest(9), .newest(9)]) == "open b:1 2")
  }

  @Test func onlyAnAttemptThatBringsNothingCounts() {
    var core = core(through: 9, bytes: 1)
    _ = core.begin()
    for number in 1...8 {
      #expect(probed(&core, [.unavailable, .failed(""), .newest(0)]) == "pause 5.0 seconds")
      _ = core.paused()
      _ = probed(&core, [.newest(9), .newest(9), .newest(9)])
      _ = core.opened()
      #expect(receive(&core, number) == "take \(number)")
      _ = core.taken()
      _ = core.lost("broken")
      _ = core.paused()
    }
  }

  @Test func aPatientPullNeverGivesUp() {
    var core = core(through: 3, attempts: nil)
    _ = core.begin()
    for _ in 0..<1_000 {
      #expect(probed(&core, [.unavailable, .failed(""), .newest(0)]) == "pause 5.0 seconds")
      #expect(text(core.paused()) == "probe a:1 b:1 c:1")
    }
  }

  @Test func allWhoAnswerRefuse() {
    var core = core(through: 3, attempts: nil)
    _ = core.begin()
    #expect(probed(&core, [.forbidden, .forbidden, .failed("gone")]) == "forbidden")
    var other = self.core(through: 3, attempts: 1)
    _ = other.begin()
    #expect(probed(&other, [.unavailable, .unavailable, .unavailable]) == "unavailable")
  }

  @Test func withoutALastBlockWhatOthersHaveNowIsPulled() {
    var core = core(from: 8)
    _ = core.begin()
    #expect(probed(&core, [.newest(9), .newest(8), .newest(3)], pick: 1) == "open b:1 8")
    _ = core.opened()
    #expect(receive(&core, 8) == "take 8")
    #expect(text(core.taken()) == "probe a:1 b:1 c:1")
    // It has grown meanwhile.
    #expect(probed(&core, [.newest(100), .newest(8), .newest(3)]) == "open a:1 9")
    _ = core.opened()
    #expect(receive(&core, 9) == "take 9")
    #expect(text(core.taken()) == "finish")
    var other = self.core(from: 8)
    _ = other.begin()
    #expect(probed(&other, [.newest(7), .newest(3), .failed("")]) == "finish")
  }

  @Test func whatIsHereIsNotPulled() {
    var core = core(from: 8, through: 7)
    #expect(text(core.begin()) == "finish")
  }

  @Test func withoutAddressesNobodyIsAsked() throws {
    let lonely = try MadeChain(orderers: []) { $0.values["OrdererAddresses"] = nil }
    var core = PullCore(
      ChainTrust(channelID: lonely.channelID, bundle: nil, end: ChainEnd()), through: 3,
      from: .fixed(lonely.bundle),
      limits: PullCore.Limits(bufferBytes: 1, retryTimeout: .seconds(1), attempts: nil))
    #expect(text(core.begin()) == "unavailable")
  }

  @Test func endpointsFollowConfigurationsOrStay() throws {
    var moved = try MadeChain(orderers: ["a:1"])
    try moved.configure { try $0.setOrderers(["moved:1"]) }
    try moved.grow()
    let start = ChainTrust(channelID: moved.channelID, bundle: nil, end: ChainEnd())
    let old = try MadeChain(orderers: ["a:1"]).bundle
    for (choice, expected) in [
      (EndpointChoice.following(old), "probe moved:1"), (.fixed(old), "probe a:1"),
    ] {
      var core = PullCore(
        start, through: 2, from: choice,
        limits: PullCore.Limits(bufferBytes: 1 << 20, retryTimeout: .seconds(1), attempts: nil))
      _ = core.begin()
      _ = core.probed([OrdererEndpoint.all(in: old)[0]: .newest(1)], pick: 0)
      _ = core.opened()
      _ = core.received(moved.blocks[0], bytes: 10)
      #expect(text(core.received(moved.blocks[1], bytes: 10)) == "take 0 1")
      #expect(text(core.taken()) == expected)
    }
  }

  /// An input that nothing asked for ends the pull, and nothing else.
  @Test func anInputOutOfTurnEndsThePull() {
    var core = core(through: 3)
    _ = core.begin()
    #expect(text(core.taken()) == "unavailable")
    #expect(text(core.opened()) == "unavailable")
    #expect(text(core.lost("")) == "unavailable")
  }
}
