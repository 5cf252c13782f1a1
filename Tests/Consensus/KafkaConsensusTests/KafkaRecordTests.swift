// The wire format of the topic's records.

import FabricProtos
import Foundation
import Testing

@testable import KafkaConsensus

@Suite struct KafkaRecordTests {
  private func decode(_ bytes: [UInt8]) throws -> KafkaRecord {
    try bytes.withUnsafeBytes { try KafkaRecord(serialized: $0) }
  }

  @Test func recordsAreEncodedAsTheGeneratedCodeDoes() throws {
    for original in [0, 1, 127, 128, 1 << 40, -1] as [Int64] {
      for sequence in [0, 1, 300, .max] as [UInt64] {
        for size in [0, 1, 200, 70_000] {
          for (number, name) in [KafkaRecord.Regular.Class.unknown, .normal, .config].enumerated() {
            let payload = [UInt8](repeating: 7, count: size)
            let record = KafkaRecord.regular(
              KafkaRecord.Regular(
                payload: payload, configSequence: sequence, messageClass: name,
                originalOffset: original))
            var message = Orderer_KafkaMessage()
            message.regular.payload = Data(payload)
            message.regular.configSeq = sequence
            message.regular.class = .init(rawValue: number) ?? .unknown
            message.regular.originalOffset = original
            let expected: [UInt8] = try message.serializedBytes()
            #expect(record.serialized() == expected)
            #expect(try decode(expected) == record)
          }
        }
      }
    }
    var cut = Orderer_KafkaMessage()
    for number in [0, 5, .max] as [UInt64] {
      cut.timeToCut.blockNumber = number
      let expected: [UInt8] = try cut.serializedBytes()
      #expect(KafkaRecord.timeToCut(number).serialized() == expected)
      #expect(try decode(expected) == .timeToCut(number))
    }
    #expect(try decode([0x1A, 0]) == .connect)
    #expect(KafkaRecord.connect.serialized() == [0x1A, 0])
    #expect(try decode([]) == KafkaRecord.none)
  }

  @Test func unusualRecordsAreDecodedCompletely() throws {
    // Fields in another order, an unknown field, and a second message over the first one.
    let bytes: [UInt8] = [0x0A, 6, 0x20, 9, 0x0A, 2, 1, 2, 0x78, 1, 0x0A, 2, 0x18, 2]
    #expect(
      try decode(bytes)
        == .regular(
          KafkaRecord.Regular(
            payload: [1, 2], configSequence: 0, messageClass: .config, originalOffset: 9)))
    #expect(
      try decode([0x0A, 2, 0x18, 9])
        == .regular(
          KafkaRecord.Regular(
            payload: [], configSequence: 0, messageClass: .other(9), originalOffset: 0)))
  }

  @Test func bytesThatAreNoRecordAreRefused() {
    for bytes in [[0x0A, 5, 1], [0xFF], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]] as [[UInt8]] {
      #expect(throws: (any Error).self) { try decode(bytes) }
    }
  }

  @Test func offsetsSurviveABlock() throws {
    let offsets = KafkaOffsets(
      lastPersisted: 300, lastOriginalProcessed: 0, lastResubmittedConfig: 7)
    var message = Orderer_KafkaMetadata()
    message.lastOffsetPersisted = 300
    message.lastResubmittedConfigOffset = 7
    let expected: [UInt8] = try message.serializedBytes()
    #expect(offsets.serialized() == expected)
    #expect(try KafkaOffsets(metadata: expected) == offsets)
    #expect(try KafkaOffsets(metadata: []) == .beginning)
    #expect(throws: CorruptMetadata.self) { try KafkaOffsets(metadata: [0xFF]) }
    #expect(throws: CorruptMetadata.self) {
      try KafkaOffsets(
        metadata: KafkaOffsets(
          lastPersisted: -9, lastOriginalProcessed: 0, lastResubmittedConfig: 0
        ).serialized())
    }
  }

  @Test func envelopesAreBroughtIntoTheFormThatGoNodesWrite() throws {
    var envelope = Common_Envelope()
    envelope.payload = Data([1, 2, 3])
    envelope.signature = Data([4])
    let usual: [UInt8] = try envelope.serializedBytes()
    #expect(try EnvelopeView.canonicalBytes(usual) == usual)
    #expect(try EnvelopeView.canonicalBytes([0x12, 1, 4, 0x0A, 3, 1, 2, 3]) == usual)
    #expect(try EnvelopeView.canonicalBytes([0x0A, 1, 9] + usual) == usual)
    #expect(try EnvelopeView.canonicalBytes([0x0A, 0x83, 0, 1, 2, 3, 0x12, 1, 4]) == usual)
    #expect(try EnvelopeView.canonicalBytes([0x78, 1] + usual) == usual + [0x78, 1])
    #expect(try EnvelopeView.canonicalBytes([0x0A, 0]) == [])
    #expect(throws: EnvelopeError.self) { try EnvelopeView.canonicalBytes([0x0A, 9]) }
  }
}
