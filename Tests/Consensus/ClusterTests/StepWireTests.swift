// Messages between orderers, read and written as Go's orderers do it.

import FabricProtos
import Foundation
import NIOCore
import Ordering
import TestSupport
import Testing

@testable import Cluster

/// A request that was read, written again.
private func rewritten(_ request: StepRequest) -> [UInt8] {
  switch request {
  case .consensus(let consensus):
    Array(
      StepFrame.consensus(
        channel: consensus.channel, payload: [consensus.payload],
        metadata: Array(consensus.metadata)
      ).readableBytesView)
  case .submit(let submit):
    Array(
      StepFrame.submit(
        channel: submit.channel, sequence: submit.lastValidationSequence,
        envelope: Array(submit.envelope ?? [])
      ).readableBytesView)
  case .neither: []
  }
}

/// What the generated code reads.
private func reference(_ bytes: [UInt8]) throws -> StepRequest {
  let request = try Orderer_StepRequest(serializedBytes: bytes)
  switch request.payload {
  case .consensusRequest(let consensus):
    return .consensus(
      StepRequest.ConsensusRequest(
        channel: consensus.channel, payload: ArraySlice(consensus.payload),
        metadata: ArraySlice(consensus.metadata)))
  case .submitRequest(let submit):
    return .submit(
      StepRequest.SubmitRequest(
        channel: submit.channel, lastValidationSequence: submit.lastValidationSeq,
        envelope: submit.hasPayload ? try (submit.payload.serializedBytes() as [UInt8])[...] : nil))
  case nil: return .neither
  }
}

private func unhexed(_ text: String) -> [UInt8] {
  var bytes: [UInt8] = []
  var rest = Substring(text)
  while let byte = UInt8(rest.prefix(2), radix: 16) {
    bytes.append(byte)
    rest = rest.dropFirst(2)
  }
  return bytes
}

@Suite struct StepWireTests {
  @Suite(.enabled(if: RaftVectors.areThere)) struct Recorded {
    private struct Line: Decodable { let hex: String }

    @Test(arguments: ["v1.4.12", "v2.5.16", "v3.1.5"])
    func requestsAreWrittenAsTheyWereSent(_ release: String) throws {
      let lines = try RaftVectors.lines(ofCompressed: "wire/step-\(release)-all.jsonl.gz")
      #expect(lines.count > 1000)
      for line in lines {
        let bytes = unhexed(try JSONDecoder().decode(Line.self, from: line).hex)
        let request = try StepRequest(bytes)
        #expect(request == (try reference(bytes)))
        #expect(rewritten(request) == bytes)
      }
    }

    private struct Selection: Decodable {
      struct Sample: Decodable {
        let hex: String
        let kind: String
        let channel: String
      }
      let messages: [Sample]
    }

    @Test(arguments: ["v1.4.12", "v2.5.16", "v3.1.5"])
    func kindsAndChannelsAreThoseThatWereSent(_ release: String) throws {
      let selection = try JSONDecoder().decode(
        Selection.self, from: RaftVectors.data("wire/step-\(release).json"))
      for sample in selection.messages {
        switch try StepRequest(unhexed(sample.hex)) {
        case .consensus(let request):
          #expect(sample.kind == "consensus" && request.channel == sample.channel)
        case .submit(let request):
          #expect(sample.kind != "consensus" && request.channel == sample.channel)
        case .neither: Issue.record("neither")
        }
      }
    }
  }

  @Test func payloadInPiecesIsOnePayload() throws {
    let frame = Array(
      StepFrame.consensus(
        channel: "alpha", payload: [[1, 2], [], [3]], metadata: [4, 5]
      ).readableBytesView)
    var expected = Orderer_StepRequest()
    expected.consensusRequest.channel = "alpha"
    expected.consensusRequest.payload = Data([1, 2, 3])
    expected.consensusRequest.metadata = Data([4, 5])
    #expect(frame == (try expected.serializedBytes()))
    #expect(try StepRequest(frame) == reference(frame))
  }

  @Test func emptyPartsAreAbsent() throws {
    let frame = Array(
      StepFrame.consensus(channel: "", payload: [], metadata: []).readableBytesView)
    #expect(frame == [0x0A, 0])
    let envelope = try message("x")
    let submit = Array(
      StepFrame.submit(channel: "c", sequence: 0, envelope: envelope).readableBytesView)
    var expected = Orderer_StepRequest()
    expected.submitRequest.channel = "c"
    expected.submitRequest.payload = try Common_Envelope(serializedBytes: envelope)
    #expect(submit == (try expected.serializedBytes()))
    #expect(try StepRequest(submit) == reference(submit))
  }

  @Test func whatOnlyNodesOfOursKnowIsSkippedByOthers() throws {
    let envelope = try message("x")
    let origin = SubmissionOrigin(life: .max, term: 3, series: 9, number: 300)
    let bytes = Array(
      StepFrame.submit(channel: "c", sequence: 2, envelope: envelope, origin: origin)
        .readableBytesView)
    guard case .submit(let submit) = try StepRequest(bytes) else {
      Issue.record("it is a submission")
      return
    }
    #expect(submit.envelope.map(Array.init) == envelope)
    #expect(submit.origin == SubmissionOrigin(life: .max, term: 3, series: 0, number: 300))
    var known = try Orderer_StepRequest(serializedBytes: bytes)
    #expect(known.submitRequest.lastValidationSeq == 2)
    known.submitRequest.unknownFields = .init()
    let plain = Array(
      StepFrame.submit(channel: "c", sequence: 2, envelope: envelope).readableBytesView)
    #expect(plain == (try known.serializedBytes()))
    guard case .submit(let silent) = try StepRequest(plain) else {
      Issue.record("it is a submission")
      return
    }
    #expect(silent.origin == nil)
  }

  @Test func whatOccursTwiceIsMergedAsProtobufWantsIt() throws {
    var first = Orderer_StepRequest()
    first.submitRequest.channel = "a"
    first.submitRequest.payload.payload = Data([1])
    var second = Orderer_StepRequest()
    second.submitRequest.lastValidationSeq = 7
    second.submitRequest.payload.signature = Data([2])
    var third = Orderer_StepRequest()
    third.consensusRequest.channel = "b"
    let parts = try [first, second, third].map { try $0.serializedBytes() as [UInt8] }
    let merged = try StepRequest(parts[0] + parts[1])
    #expect(merged == (try reference(parts[0] + parts[1])))
    guard case .submit(let submit) = merged else {
      Issue.record("it is a submission")
      return
    }
    #expect(submit.channel == "a" && submit.lastValidationSequence == 7)
    let last = try StepRequest(parts[0] + parts[1] + parts[2])
    #expect(last == (try reference(parts[0] + parts[1] + parts[2])))
  }

  @Test func whatIsUnknownIsSkipped() throws {
    #expect(try StepRequest([]) == .neither)
    #expect(try StepRequest([0x1A, 1, 0]) == .neither)
    // Known fields with another wire type.
    #expect(try StepRequest([0x08, 1]) == .neither)
  }

  @Test(
    arguments: [
      [0x0A], [0x0A, 5, 1], [0x0A, 3, 0x0A, 1, 0xFF], [0x07], [0x12, 2, 0x1A, 9], [0x0A, 0x80],
    ] as [[UInt8]])
  func refusesWhatIsNoMessage(_ bytes: [UInt8]) {
    #expect(throws: StepRequest.Malformed.self) { try StepRequest(bytes) }
  }

  /// Damaged messages are refused or read, as the generated code does.
  @Test func readsWhatIsDamagedAsTheGeneratedCodeDoes() throws {
    var random = SplitMix64(seed: 5)
    var seeds: [[UInt8]] = []
    for index in 0..<6 {
      seeds.append(
        Array(
          StepFrame.consensus(
            channel: "alpha",
            payload: [[8, 3, 16, 1, 24, 2], ArraySlice(repeating: 7, count: index)],
            metadata: Array(repeating: 1, count: index % 3)
          ).readableBytesView))
      seeds.append(
        Array(
          StepFrame.submit(
            channel: "beta", sequence: UInt64(index) << 20, envelope: try message("\(index)")
          ).readableBytesView))
    }
    var accepted = 0
    for _ in 0..<40_000 {
      var bytes = seeds.randomElement(using: &random) ?? []
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
        case 1: bytes += seeds.randomElement(using: &random) ?? []
        case 2:
          bytes.insert(
            .random(in: 0...255, using: &random),
            at: Int.random(in: 0...bytes.count, using: &random))
        default:
          guard let index = bytes.indices.randomElement(using: &random) else { continue }
          bytes[index] = .random(in: 0...255, using: &random)
        }
      }
      guard let request = try? StepRequest(bytes) else { continue }
      accepted += 1
      // An envelope's inside is looked at later.
      guard let expected = try? reference(bytes) else { continue }
      #expect(request.channel == expected.channel)
      if case .consensus = expected { #expect(request == expected) }
    }
    #expect(accepted > 1000)
  }
}
