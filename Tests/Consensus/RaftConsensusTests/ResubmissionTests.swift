// What a node keeps of what it acknowledged, and when it hands it on again.

import Concurrency
import FabricProtos
import Ordering
import ProcessingFixtures
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct ResubmissionTests {
  private func messages(_ texts: [String]) throws -> [OrderedMessage] {
    try texts.map { try message(Array($0.utf8)) }
  }

  private func texts(_ messages: [OrderedMessage]) -> [String] {
    messages.map { String(decoding: $0.envelope.data, as: UTF8.self) }
  }

  private func burst(_ kept: inout Resubmission, _ count: Int = 100) -> [String] {
    texts(handed(&kept, count))
  }

  private func handed(_ kept: inout Resubmission, _ count: Int = 100) -> [OrderedMessage] {
    kept.nextBurst(maximumCount: count, maximumBytes: 1 << 20) {
      SubmissionOrigin(life: 1, term: 1, series: 1, number: $0 + 1)
    }
  }

  @Test func aMessageThatIsHandedOnAgainHasTheSameNumber() throws {
    var kept = Resubmission()
    let all = try messages(["1", "2", "3"])
    for message in all { kept.keep(message) }
    #expect(handed(&kept).map(\.origin?.number) == [1, 2, 3])
    kept.applied([all[0].envelope.bytes], isConfig: false)
    kept.startOver()
    #expect(handed(&kept).map(\.origin?.number) == [2, 3])
  }

  @Test func messagesAreHandedOnOnceInOrder() throws {
    var kept = Resubmission()
    for message in try messages(["1", "2", "3"]) { kept.keep(message) }
    #expect(burst(&kept, 2) == ["1", "2"])
    #expect(kept.hasNext)
    #expect(burst(&kept) == ["3"])
    #expect(burst(&kept) == [])
    #expect(kept.count == 3)
    #expect(kept.takeResubmitted() == 0)
  }

  @Test func whatIsInABlockIsKeptNoLonger() throws {
    var kept = Resubmission()
    let all = try messages(["1", "2", "3"])
    for message in all { kept.keep(message) }
    _ = burst(&kept)
    kept.applied([all[0].envelope.bytes], isConfig: false)
    #expect(kept.count == 2)
    kept.applied(try messages(["elsewhere"]).map(\.envelope.bytes), isConfig: false)
    #expect(kept.count == 2)
    kept.startOver()
    #expect(burst(&kept) == ["2", "3"])
    #expect(kept.takeResubmitted() == 2)
    kept.applied(all[1...].map(\.envelope.bytes), isConfig: false)
    #expect(kept.isEmpty)
    #expect(kept.bytes == 0)
  }

  @Test func whatALeaderHasPassedOverIsDoneWith() throws {
    var kept = Resubmission()
    let all = try messages(["1", "2", "3"])
    for message in all { kept.keep(message) }
    _ = burst(&kept, 2)
    // The leader keeps the order: so it has dropped the first.
    kept.applied([all[1].envelope.bytes], isConfig: false)
    #expect(kept.count == 1)
    #expect(burst(&kept) == ["3"])
  }

  @Test func whatAnotherNodeHandedInTellsNothingOfThoseBeforeIt() throws {
    var kept = Resubmission()
    let all = try messages(["1", "2", "3"])
    for message in all { kept.keep(message) }
    _ = burst(&kept)
    // Their leader is lost, and with it all three. The client of the second has turned to another node as well.
    kept.startOver()
    kept.applied([all[1].envelope.bytes], isConfig: false)
    #expect(kept.count == 2)
    #expect(handed(&kept).map(\.origin?.number) == [1, 3])
    kept.applied([all[2].envelope.bytes], isConfig: false)
    #expect(kept.isEmpty && kept.bytes == 0)
  }

  @Test func aRepeatedMessageIsKeptAsOftenAsItCame() throws {
    var kept = Resubmission()
    let all = try messages(["1", "2"])
    for message in [all[0], all[1], all[0]] { kept.keep(message) }
    _ = burst(&kept)
    kept.applied([all[0].envelope.bytes], isConfig: false)
    #expect(kept.count == 2)
    kept.applied([all[1].envelope.bytes], isConfig: false)
    #expect(kept.count == 1)
    kept.applied([all[0].envelope.bytes], isConfig: false)
    #expect(kept.isEmpty)
  }

  @Test func aMessageThatIsNotAllowedAnyMoreIsForgottenAlone() throws {
    var kept = Resubmission()
    let all = try messages(["1", "2", "3"])
    for message in all { kept.keep(message) }
    _ = burst(&kept)
    kept.discard(all[1])
    #expect(kept.count == 2)
    kept.startOver()
    #expect(burst(&kept) == ["1", "3"])
    kept.discard(all[0])
    kept.discard(all[2])
    #expect(kept.isEmpty)
    #expect(!kept.hasNext)
  }

  @Test func theRoomIsBounded() throws {
    var kept = Resubmission()
    let message = try message([UInt8](repeating: 7, count: 1 << 20))
    while kept.hasRoom { kept.keep(message) }
    #expect(kept.count == 32)
    while kept.next() != nil {}
    kept.applied([message.envelope.bytes], isConfig: false)
    #expect(kept.hasRoom)
  }

  @Test func itAgreesWithAPlainList() throws {
    let pool = try messages((0..<12).map(String.init))
    for seed in 0..<300 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var (kept, model, next) = (Resubmission(), [OrderedMessage](), 0)
      for _ in 0..<60 {
        switch random.next() % 5 {
        case 0, 1:
          let message = pool[Int(random.next() % UInt64(pool.count))]
          kept.keep(message)
          model.append(message)
        case 2:
          let message = kept.next()
          #expect(
            message?.envelope.bytes == (next < model.count ? model[next].envelope.bytes : nil))
          if message != nil { next += 1 }
        case 3:
          kept.startOver()
          next = 0
        default:
          let entry = pool[Int(random.next() % UInt64(pool.count))].envelope.bytes
          kept.applied([entry], isConfig: false)
          if let place = model.firstIndex(where: { $0.envelope.bytes == entry }) {
            if place < next {
              model.removeFirst(place + 1)
              next -= place + 1
            } else {
              model.remove(at: place)
            }
          }
        }
        #expect(kept.count == model.count)
        #expect(kept.bytes == model.reduce(0) { $0 + $1.envelope.bytes.count })
        #expect(kept.hasNext == (next < model.count))
      }
    }
  }

  @Test func aConfigMessageIsKnownByItsUpdate() async throws {
    let store = try await TestChannel.ledger(raftConfig([1]))
    let channel = try TestChannel(store, time: ManualTime())
    let edit: (inout Common_ConfigGroup) throws -> Void = {
      try $0.editBatchSize { $0.maxMessageCount = 7 }
    }
    let config = try channel.configMessage(edit)
    // Another orderer wraps the same update.
    let envelope = try Common_ConfigEnvelope(serializedBytes: Array(config.envelope.data))
    let again = try Messages.message(
      "raftchannel", TestIdentity.ordererNode(), envelope.deterministicBytes(), type: .config)
    #expect(again != config.envelope.bytes)
    var kept = Resubmission()
    kept.keep(config)
    kept.applied([try channel.configMessage(edit).envelope.bytes], isConfig: true)
    #expect(!kept.isEmpty)
    kept.applied([again], isConfig: true)
    #expect(kept.isEmpty)
  }
}

@Suite struct HandoverTests {
  private let now = ManualTime().now
  private let timeout = Duration.seconds(2)

  @Test func nothingGoesBeforeEarlierLeadersAreDoneWith() {
    var handover = Handover()
    handover.settled()
    #expect(!handover.isOpen)
    handover.led(by: 2)
    #expect(!handover.isOpen)
    handover.settled()
    #expect(handover.isOpen)
    handover.begin()
    #expect(handover.phase == .busy)
    handover.handedOn(handover.number)
    #expect(handover.isOpen)
  }

  @Test func answersOfEarlierLeadersDoNotCount() {
    var handover = Handover()
    handover.led(by: 2)
    handover.settled()
    handover.begin()
    let number = handover.number
    handover.led(by: 3)
    handover.settled()
    handover.begin()
    handover.handedOn(number)
    #expect(handover.phase == .busy)
  }

  @Test func aBrokenStreamIsLeftAloneForTwoBatchTimeouts() {
    var handover = Handover()
    handover.led(by: 2)
    handover.settled()
    handover.lost(3, now: now, batchTimeout: timeout)
    #expect(handover.isOpen)
    handover.lost(2, now: now, batchTimeout: timeout)
    #expect(handover.phase == .doubtful(until: now + .seconds(4)))
    let early = handover.takeDoubt(now: now + .milliseconds(3999))
    #expect(!early)
    handover.settled()
    #expect(!handover.isOpen)
    let late = handover.takeDoubt(now: now + .seconds(4))
    #expect(late)
    #expect(handover.isOpen)
    handover.lost(2, now: now, batchTimeout: .seconds(3600))
    #expect(handover.phase == .doubtful(until: now + Handover.longestDoubt))
  }
}
