// The Kafka protocol as a value: records in, effects out.

import FabricProtos
import Ordering
import Testing

@testable import KafkaConsensus

@Suite struct KafkaCoreTests {
  /// A core whose newest block is number 4, of the record at offset 10.
  private func makeCore(
    _ offsets: KafkaOffsets = KafkaOffsets(
      lastPersisted: 10, lastOriginalProcessed: 5, lastResubmittedConfig: 0),
    count: Int = 1, size: Int = 100, isConfig: Bool = false
  ) -> KafkaCore {
    KafkaCore(
      offsets,
      newestBlock: KafkaCore.NewestBlock(
        number: 4, messageCount: count, size: size, isConfig: isConfig))
  }

  // MARK: Batches

  @Test func aFullBatchAccountsForItsLastRecord() {
    var core = makeCore()
    #expect(trace(core.consumed(regular("a"), offset: 11, context())) == ["timer 1"])
    #expect(trace(core.consumed(.connect, offset: 12, context())) == [])
    #expect(trace(core.consumed(regular("b"), offset: 13, context())) == [])
    #expect(
      trace(core.consumed(regular("c"), offset: 14, context())) == ["stop", "write a,b,c 14/5/0"])
  }

  @Test func aBatchThatTheNextMessageOverflowsEndsBeforeThatMessage() {
    var core = makeCore()
    _ = core.consumed(regular("a", size: 600), offset: 11, context())
    #expect(
      trace(core.consumed(regular("b", size: 600), offset: 15, context())) == ["write a 14/5/0"])
    #expect(
      trace(core.consumed(.timeToCut(6), offset: 16, context())) == ["stop", "write b 16/5/0"])
  }

  @Test func anOversizedMessageMakesTwoBatches() {
    var core = makeCore()
    _ = core.consumed(regular("a"), offset: 11, context())
    #expect(
      trace(core.consumed(regular("b", original: 8, size: 2_000), offset: 15, context()))
        == ["stop", "write a 14/5/0", "write b 15/8/0"])
    #expect(
      trace(core.consumed(regular("c", size: 2_000), offset: 16, context()))
        == ["write c 16/8/0"])
  }

  @Test func aConfigMessageCutsWhatIsPendingAndIsAlone() {
    var core = makeCore()
    _ = core.consumed(regular("a"), offset: 11, context())
    #expect(
      trace(core.consumed(regular("x", .config), offset: 12, context()))
        == ["stop", "write a 11/5/0", "config x 12/5/0"])
    #expect(
      trace(core.consumed(regular("y", .config), offset: 13, context())) == ["config y 13/5/0"])
  }

  // MARK: Time to cut

  @Test func theTimerAsksToCutTheNextBlock() {
    var core = makeCore()
    _ = core.consumed(regular("a"), offset: 11, context())
    #expect(trace(core.expired(1)) == ["cut 5"])
    #expect(trace(core.expired(1)) == [])
    #expect(trace(core.consumed(.timeToCut(5), offset: 12, context())) == ["write a 12/5/0"])
  }

  @Test func aTimeToCutForAnEarlierBlockIsIgnored() {
    var core = makeCore()
    _ = core.consumed(regular("a"), offset: 11, context())
    #expect(trace(core.consumed(.timeToCut(4), offset: 12, context())) == [])
    #expect(
      trace(core.consumed(.timeToCut(5), offset: 13, context())) == ["stop", "write a 13/5/0"])
    #expect(trace(core.consumed(.timeToCut(5), offset: 14, context())) == [])
  }

  @Test func aTimeToCutThatCannotBeMeantForThisChainFails() {
    var core = makeCore()
    #expect(trace(core.consumed(.timeToCut(6), offset: 11, context())) == ["fail"])
    core = makeCore()
    #expect(trace(core.consumed(.timeToCut(5), offset: 11, context())) == ["fail"])
  }

  @Test func aTimeToCutThatCouldNotBePostedGetsAnotherTimer() {
    var core = makeCore()
    #expect(trace(core.timeToCutFailed()) == [])
    _ = core.consumed(regular("a"), offset: 11, context())
    #expect(trace(core.timeToCutFailed()) == [])
    _ = core.expired(1)
    #expect(trace(core.timeToCutFailed()) == ["timer 2"])
  }

  @Test func theNextMessageStartsTheTimerAnewAfterATimeToCutWasPosted() {
    var core = makeCore()
    _ = core.consumed(regular("a"), offset: 11, context())
    _ = core.expired(1)
    #expect(trace(core.consumed(regular("b"), offset: 12, context())) == ["timer 2"])
  }

  // MARK: Validating again

  @Test func aMessageFromBeforeAConfigChangeIsResubmittedWithItsOffset() {
    var core = makeCore()
    let now = context(sequence: 2)
    guard case .validate(let message) = core.consumed(regular("a", sequence: 1), offset: 11, now)
    else { return #expect(Bool(false)) }
    let valid = OrderedMessage(envelope: message.envelope, configSequence: 2, isConfig: false)
    #expect(trace(core.validated(.valid(valid), now)) == ["resubmit a 2 11"])
    #expect(core.pendingCount == 0)
  }

  @Test func aMessageThatIsNotValidAnyMoreIsDropped() {
    var core = makeCore()
    let now = context(sequence: 2)
    #expect(
      trace(core.consumed(regular("a", sequence: 1), offset: 11, now)) == ["validate normal a"])
    #expect(trace(core.validated(.invalid("no"), now)) == ["discard"])
    #expect(trace(core.validated(.invalid("no"), now)) == [])
  }

  @Test func onlyTheFirstCopyOfAResubmittedMessageCounts() {
    var core = makeCore()
    let now = context(sequence: 2, count: 1)
    let copy = regular("a", sequence: 2, original: 8)
    #expect(trace(core.consumed(copy, offset: 11, now)) == ["write a 11/8/0"])
    #expect(trace(core.consumed(copy, offset: 12, now)) == [])
    #expect(trace(core.consumed(regular("b", sequence: 2, original: 7), offset: 13, now)) == [])
    #expect(
      trace(core.consumed(regular("c", sequence: 2, original: 9), offset: 14, now))
        == ["write c 14/9/0"])
  }

  @Test func aCopyOfWhatWasResubmittedTwiceIsNotResubmittedAgain() {
    var core = makeCore()
    let now = context(sequence: 3)
    let copy = regular("a", sequence: 2, original: 8)
    guard case .validate(let message) = core.consumed(copy, offset: 11, now)
    else { return #expect(Bool(false)) }
    #expect(trace(core.validated(.valid(message), now)) == ["resubmit a 2 11"])
    #expect(trace(core.consumed(copy, offset: 12, now)) == [])
  }

  @Test func clientsWaitWhileAConfigMessageIsResubmitted() {
    var core = makeCore()
    let now = context(sequence: 2)
    guard
      case .validate(let message) = core.consumed(
        regular("x", .config, sequence: 1), offset: 11, now)
    else { return #expect(Bool(false)) }
    #expect(trace(core.validated(.valid(message), now)) == ["hold", "resubmit x 1 11"])
    #expect(
      trace(core.consumed(regular("x", .config, sequence: 2, original: 11), offset: 12, now))
        == ["release", "config x 12/11/11"])
  }

  @Test func clientsGoOnIfTheResubmittedConfigMessageTurnsOutInvalid() {
    var core = makeCore()
    let now = context(sequence: 2)
    guard
      case .validate(let message) = core.consumed(
        regular("x", .config, sequence: 1), offset: 11, now)
    else { return #expect(Bool(false)) }
    _ = core.validated(.valid(message), now)
    let later = context(sequence: 3)
    _ = core.consumed(regular("x", .config, sequence: 2, original: 11), offset: 12, later)
    #expect(trace(core.validated(.invalid("no"), later)) == ["discard", "release"])
  }

  @Test func aConfigMessageThatOnlyOthersResubmittedIsRemembered() {
    var core = makeCore()
    #expect(
      trace(core.consumed(regular("x", .config, original: 9), offset: 11, context()))
        == ["config x 11/9/9"])
  }

  @Test func clientsWaitAfterARestartUntilTheTopicIsReadToItsEnd() {
    let offsets = KafkaOffsets(
      lastPersisted: 10, lastOriginalProcessed: 5, lastResubmittedConfig: 9)
    var core = makeCore(offsets)
    #expect(core.holdsClientsAtStart)
    #expect(trace(core.caughtUp()) == ["release"])
    #expect(trace(core.caughtUp()) == [])
    #expect(!makeCore().holdsClientsAtStart)
  }

  @Test func clientsWaitOnForWhatWasResubmittedSinceTheStart() {
    let offsets = KafkaOffsets(
      lastPersisted: 10, lastOriginalProcessed: 5, lastResubmittedConfig: 9)
    var core = makeCore(offsets)
    let now = context(sequence: 3)
    // What was re-submitted before the start is out of date again.
    guard
      case .validate(let message) = core.consumed(
        regular("x", .config, sequence: 2, original: 9), offset: 11, now)
    else { return #expect(Bool(false)) }
    #expect(trace(core.validated(.valid(message), now)) == ["hold", "resubmit x 2 11"])
    #expect(trace(core.caughtUp()) == [])
    #expect(
      trace(core.consumed(regular("x", .config, sequence: 3, original: 11), offset: 13, now))
        == ["release", "config x 13/11/11"])
  }

  @Test func clientsGoOnIfWhatTheyWaitForIsOvertaken() {
    var core = makeCore()
    let now = context(sequence: 2)
    guard
      case .validate(let message) = core.consumed(
        regular("x", .config, sequence: 1), offset: 11, now)
    else { return #expect(Bool(false)) }
    #expect(trace(core.validated(.valid(message), now)) == ["hold", "resubmit x 1 11"])
    // This node found the message of record 12 invalid, e.g. expired, and another one did not.
    _ = core.consumed(regular("y", .config, sequence: 1), offset: 12, now)
    #expect(trace(core.validated(.invalid("no"), now)) == ["discard"])
    #expect(
      trace(core.consumed(regular("y", .config, sequence: 2, original: 12), offset: 13, now))
        == ["config y 13/12/12", "release"])
    #expect(
      trace(core.consumed(regular("x", .config, sequence: 2, original: 11), offset: 14, now)) == [])
  }

  @Test func clientsGoOnIfTheBrokersRefuseWhatTheyWaitFor() {
    var core = makeCore()
    let now = context(sequence: 2)
    guard
      case .validate(let message) = core.consumed(
        regular("x", .config, sequence: 1), offset: 11, now)
    else { return #expect(Bool(false)) }
    _ = core.validated(.valid(message), now)
    #expect(trace(core.resubmissionFailed(originalOffset: 9)) == [])
    #expect(trace(core.resubmissionFailed(originalOffset: 11)) == ["release"])
  }

  @Test func clientsGoOnIfTheNewConfigurationKnowsNoResubmission() {
    var core = makeCore()
    let now = context(sequence: 2)
    guard
      case .validate(let message) = core.consumed(
        regular("x", .config, sequence: 1), offset: 11, now)
    else { return #expect(Bool(false)) }
    _ = core.validated(.valid(message), now)
    let later = context(sequence: 3, resubmission: false)
    _ = core.consumed(regular("x", .config, sequence: 2, original: 11), offset: 13, later)
    #expect(trace(core.validated(.valid(message), later)) == ["release", "config x 13/5/11"])
  }

  // MARK: Older orderers

  @Test func messagesOfOldOrderersAreValidatedAndNotResubmitted() {
    var core = makeCore()
    let now = context(sequence: 2, count: 1)
    guard case .validate(let message) = core.consumed(regular("a", .unknown), offset: 11, now)
    else { return #expect(Bool(false)) }
    #expect(!message.isConfig)
    #expect(trace(core.validated(.valid(message), now)) == ["write a 11/5/0"])
    #expect(
      trace(core.consumed(regular("x", .unknown, type: .config), offset: 12, now))
        == ["validate config x"])
    #expect(trace(core.validated(.valid(message), now)) == ["config x 12/5/0"])
    #expect(
      trace(core.consumed(regular("y", .unknown, type: .ordererTransaction), offset: 13, now))
        == ["validate config y"])
    #expect(trace(core.validated(.invalid("no"), now)) == ["discard"])
    #expect(
      trace(core.consumed(regular("z", .unknown, type: .configUpdate), offset: 14, now))
        == ["discard"])
  }

  @Test func withoutTheCapabilityAllMessagesAreTreatedAsThoseOfOldOrderers() {
    var core = makeCore()
    let old = context(sequence: 2, resubmission: false, count: 1)
    guard
      case .validate(let message) = core.consumed(
        regular("a", .normal, sequence: 1, original: 3), offset: 11, old)
    else { return #expect(Bool(false)) }
    #expect(trace(core.validated(.valid(message), old)) == ["write a 11/5/0"])
  }

  @Test func anyNumberIsTheHeaderTypeOfANormalMessage() throws {
    var core = makeCore()
    let number = try #require(Common_HeaderType(rawValue: -1))
    #expect(
      trace(core.consumed(regular("a", .unknown, type: number), offset: 11, context()))
        == ["validate normal a"])
  }

  // MARK: Odd records

  @Test func recordsThatMeanNothingAreSkipped() {
    var core = makeCore()
    #expect(trace(core.consumed(.none, offset: 11, context())) == [])
    #expect(trace(core.consumed(regular("a", .other(7)), offset: 12, context())) == ["discard"])
    let broken = KafkaRecord.regular(
      KafkaRecord.Regular(
        payload: [0x0A, 9], configSequence: 0, messageClass: .normal, originalOffset: 0))
    #expect(trace(core.consumed(broken, offset: 13, context())) == ["discard"])
  }

  @Test func anEnvelopeIsOrderedWhateverIsInItIfANodeSaysItIsValid() {
    var core = makeCore()
    let opaque = KafkaRecord.regular(
      KafkaRecord.Regular(
        payload: [0x0A, 1, 0xFF], configSequence: 0, messageClass: .normal, originalOffset: 0))
    guard case .effects(let effects) = core.consumed(opaque, offset: 11, context(count: 1)),
      case .write(let batch, _, _)? = effects.first
    else { return #expect(Bool(false)) }
    #expect(batch.map(\.envelope.bytes) == [[0x0A, 1, 0xFF]])
  }

  @Test func aRecordThatComesAgainIsSkipped() {
    var core = makeCore()
    _ = core.consumed(regular("a"), offset: 11, context())
    #expect(trace(core.consumed(regular("a"), offset: 11, context())) == ["discard"])
    #expect(core.pendingCount == 1)
  }

  // MARK: Restarts

  @Test func theRecordOfTheNewestBlockIsNotOrderedAgain() {
    var core = makeCore()
    #expect(trace(core.consumed(regular("a"), offset: 10, context(count: 1))) == [])
    #expect(trace(core.consumed(regular("b"), offset: 11, context(count: 1))) == ["write b 11/5/0"])
  }

  @Test func aMessageThatHadOverflowedABatchIsTreatedAsBeforeTheRestart() {
    // Before the restart: "b" overflows the batch of "a", and its original offset is not noticed.
    var before = makeCore()
    _ = before.consumed(regular("a", size: 600), offset: 11, context())
    _ = before.consumed(regular("b", original: 8, size: 600), offset: 12, context())
    // After the restart: the newest block is "a", and ends with record 11.
    let offsets = KafkaOffsets(
      lastPersisted: 11, lastOriginalProcessed: 5, lastResubmittedConfig: 0)
    var after = makeCore(offsets, size: 600)
    _ = after.consumed(regular("a", size: 600), offset: 11, context())
    #expect(
      trace(after.consumed(regular("b", original: 8, size: 600), offset: 12, context()))
        == ["timer 1"])
    for copy in [before.consumed(.timeToCut(6), offset: 13, context())] {
      #expect(trace(copy) == ["stop", "write b 13/5/0"])
    }
    #expect(
      trace(after.consumed(.timeToCut(5), offset: 13, context())) == ["stop", "write b 13/5/0"])
  }

  @Test func aMessageAfterABlockThatWasCutInTimeIsAnOrdinaryOne() {
    let offsets = KafkaOffsets(
      lastPersisted: 11, lastOriginalProcessed: 5, lastResubmittedConfig: 0)
    var core = makeCore(offsets, size: 600)
    _ = core.consumed(.timeToCut(4), offset: 11, context())
    _ = core.consumed(regular("b", original: 8, size: 600), offset: 12, context())
    #expect(
      trace(core.consumed(.timeToCut(5), offset: 13, context())) == ["stop", "write b 13/8/0"])
  }

  // MARK: What must always hold

  @Test func blocksHaveTheNumbersThatFollowTheNewestOne() {
    var core = makeCore()
    func numbers(_ step: KafkaCore.Step) -> [UInt64] {
      guard case .effects(let effects) = step else { return [] }
      return effects.compactMap { effect in
        switch effect {
        case .write(_, let number, _), .writeConfig(_, let number, _): number
        default: nil
        }
      }
    }
    _ = core.consumed(regular("a"), offset: 11, context())
    #expect(numbers(core.consumed(regular("b", size: 2_000), offset: 12, context())) == [5, 6])
    _ = core.consumed(regular("c"), offset: 13, context())
    #expect(numbers(core.consumed(regular("x", .config), offset: 14, context())) == [7, 8])
  }

  @Test func noRecordMayComeBeforeTheAnswerAboutTheOneBefore() {
    var core = makeCore()
    let now = context(sequence: 2)
    #expect(
      trace(core.consumed(regular("a", sequence: 1), offset: 11, now)) == ["validate normal a"])
    #expect(trace(core.consumed(regular("b", sequence: 2), offset: 12, now)) == ["broken"])
  }

  @Test func validatingMakesNoOtherKindOfMessage() throws {
    var core = makeCore()
    let now = context(sequence: 2)
    _ = core.consumed(regular("a", sequence: 1), offset: 11, now)
    let other = OrderedMessage(
      envelope: try EnvelopeView(envelopeBytes([1])), configSequence: 2, isConfig: true)
    #expect(trace(core.validated(.valid(other), now)) == ["broken"])
  }

  @Test func limitsThatChangeWhileMessagesArePendingAreNoticed() {
    var core = makeCore()
    _ = core.consumed(regular("a"), offset: 11, context())
    _ = core.consumed(regular("b"), offset: 12, context())
    #expect(
      trace(core.consumed(.timeToCut(5), offset: 13, context(count: 1))) == ["stop", "broken"])
  }
}
