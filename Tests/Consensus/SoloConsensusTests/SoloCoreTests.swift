// The solo protocol as a value: messages in, effects out.

import FabricProtos
import Foundation
import Ordering
import TestSupport
import Testing

@testable import SoloConsensus

@Suite struct SoloCoreTests {
  let limits = BatchLimits(maxMessageCount: 3, preferredMaxBytes: 1_000)

  @Test func theFirstMessageOfABatchStartsTheTimer() throws {
    var core = SoloCore()
    #expect(trace(core.ordered(try message(10), limits: limits)) == ["timer 1"])
    #expect(trace(core.ordered(try message(10), limits: limits)) == [])
  }

  @Test func aFullBatchIsWrittenAndStopsTheTimer() throws {
    var core = SoloCore()
    _ = core.ordered(try message(10), limits: limits)
    _ = core.ordered(try message(10), limits: limits)
    #expect(trace(core.ordered(try message(10), limits: limits)) == ["write 3", "stop"])
    #expect(trace(core.ordered(try message(10), limits: limits)) == ["timer 2"])
  }

  @Test func aMessageThatOverflowsTheBatchLeavesTheTimerRunning() throws {
    var core = SoloCore()
    _ = core.ordered(try message(600), limits: limits)
    #expect(trace(core.ordered(try message(600), limits: limits)) == ["write 1"])
    #expect(trace(core.expired(1)) == ["write 1"])
  }

  @Test func anOversizedMessageIsAloneInItsBlock() throws {
    var core = SoloCore()
    _ = core.ordered(try message(10), limits: limits)
    #expect(
      trace(core.ordered(try message(2_000), limits: limits)) == ["write 1", "write 1", "stop"])
  }

  @Test func theTimerWritesWhatIsPending() throws {
    var core = SoloCore()
    _ = core.ordered(try message(10), limits: limits)
    #expect(trace(core.expired(1)) == ["write 1"])
    #expect(trace(core.expired(1)) == [])
  }

  @Test func aTimerThatWasStoppedDoesNotCutTheNextBatch() throws {
    var core = SoloCore()
    for _ in 0..<3 { _ = core.ordered(try message(10), limits: limits) }
    #expect(trace(core.ordered(try message(10), limits: limits)) == ["timer 2"])
    #expect(trace(core.expired(1)) == [])
    #expect(trace(core.expired(2)) == ["write 1"])
  }

  @Test func aConfigMessageCutsTheBatchAndIsAlone() throws {
    var core = SoloCore()
    _ = core.ordered(try message(10), limits: limits)
    #expect(
      trace(core.ordered(try message(10, isConfig: true), limits: limits))
        == ["write 1", "stop", "config"])
    #expect(trace(core.ordered(try message(10, isConfig: true), limits: limits)) == ["config"])
  }

  @Test func anOrderlyHaltWritesWhatIsPending() throws {
    var core = SoloCore()
    _ = core.ordered(try message(10), limits: limits)
    #expect(trace(core.halted()) == ["write 1", "stop"])
    #expect(trace(core.halted()) == [])
  }

  /// Whatever happens, nothing is lost, doubled or reordered, no block breaks its limits, and a
  /// timer runs exactly while something is pending.
  @Test func randomSequencesKeepTheInvariants() throws {
    for seed in 0..<2_000 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var core = SoloCore()
      var sent: [Int] = []
      var written: [Int] = []
      var timer: BatchTimer.ID?
      func carryOut(_ effects: [SoloCore.Effect]) {
        for effect in effects {
          switch effect {
          case .write(let batch):
            let size = batch.reduce(0) { $0 + $1.size }
            #expect(batch.count == 1 || (batch.count <= 3 && size <= limits.preferredMaxBytes))
            written += batch.map(\.envelope.bytes.count)
          case .writeConfig(let message): written.append(message.envelope.bytes.count)
          case .startTimer(let id): timer = id
          case .stopTimer: timer = nil
          }
        }
      }
      for index in 0..<40 {
        if let id = timer, random.next() % 5 == 0 {
          timer = nil
          carryOut(core.expired(id))
        }
        let size = [10, 400, 900, 1_500][Int(random.next() % 4)] + index
        let message = try message(size, isConfig: random.next() % 10 == 0)
        sent.append(message.envelope.bytes.count)
        carryOut(core.ordered(message, limits: limits))
        #expect((timer != nil) == (written.count < sent.count), "seed \(seed)")
      }
      if let id = timer { carryOut(core.expired(id)) }
      #expect(written == sent, "seed \(seed)")
    }
  }

  private func message(_ size: Int, isConfig: Bool = false) throws -> OrderedMessage {
    var payload = Common_Payload()
    payload.header = Common_Header()
    payload.data = Data(count: max(0, size - 10))
    var envelope = Common_Envelope()
    envelope.payload = try payload.serializedData()
    envelope.signature = Data(count: max(0, size - envelope.payload.count))
    return OrderedMessage(
      envelope: try EnvelopeView(envelope.serializedBytes()), configSequence: 0, isConfig: isConfig)
  }

  private func trace(_ effects: [SoloCore.Effect]) -> [String] {
    effects.map { effect in
      switch effect {
      case .write(let batch): "write \(batch.count)"
      case .writeConfig: "config"
      case .startTimer(let id): "timer \(id)"
      case .stopTimer: "stop"
      }
    }
  }
}
