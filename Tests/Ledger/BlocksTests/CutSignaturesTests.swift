// Last signatures that a crash has cut, told from those that end with a zero by themselves.

import BlockLedger
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import Membership
import Testing

@testable import Blocks

@Suite struct CutSignaturesTests {
  /// Block 0 with one signature that ends with a zero, as one in 256 does.
  private func block() throws -> Block {
    let signer = try Fixtures.signer(1)
    var block = Block(
      header: BlockHeader(number: 0, previousHash: [], dataHash: SHA256Digest.hash([1, 2, 3])),
      data: [[1, 2, 3]], metadata: [[], [], [], [], []])
    var header = Common_SignatureHeader()
    header.creator = Data(signer.serializedIdentity)
    var signature: [UInt8] = []
    while signature.last != 0 {
      header.nonce = Data((0..<24).map { _ in UInt8.random(in: 1...255) })
      let signed: [UInt8] = try header.serializedBytes()
      signature = try signer.sign([[7][...], signed[...], block.header.derBytes()[...]])
    }
    var metadata = Common_Metadata()
    metadata.value = Data([7])
    var entry = Common_MetadataSignature()
    entry.signatureHeader = try header.serializedData()
    entry.signature = Data(signature)
    metadata.signatures = [entry]
    block.metadata[0] = try metadata.serializedBytes()
    return block
  }

  @Test func aWholeSignatureIsNotCut() throws {
    let block = try block()
    #expect(!CutSignatures().isLastSignatureCut(block.metadata[0], of: block.header))
    // The same over another header is not what was written.
    var other = block.header
    other.number = 1
    #expect(CutSignatures().isLastSignatureCut(block.metadata[0], of: other))
  }

  @Test func aSignatureThatLostItsEndIsCut() throws {
    let block = try block()
    let metadata = block.metadata[0]
    for count in 2..<20 {
      var torn = metadata
      for index in (metadata.count - count)..<metadata.count { torn[index] = 0 }
      #expect(CutSignatures().isLastSignatureCut(torn, of: block.header), "\(count) zeros")
    }
  }

  @Test func whatCannotBeReadIsNotJudged() throws {
    let block = try block()
    for metadata in [[], [0, 0], [1, 2, 3, 0], Array(block.metadata[0].dropLast(20))] {
      #expect(!CutSignatures().isLastSignatureCut(metadata, of: block.header))
    }
    var metadata = try Common_Metadata(serializedBytes: block.metadata[0])
    metadata.signatures[0].signatureHeader = Data([0xFF])
    #expect(
      !CutSignatures().isLastSignatureCut(try metadata.serializedBytes(), of: block.header))
  }

  @Test func aBlockWhoseMetadataEndWithZerosFromSomeByteOnWasNeverWritten() async throws {
    let folder = "\(FileManager.default.temporaryDirectory.path)/heddle-cut-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = "\(folder)/chains/one/blockfile_000000"
    func height() async throws -> UInt64 {
      let factory = try FileLedgerFactory(
        directory: folder, signatures: CutSignatures(), logger: Logger(label: "test"))
      let height = try await factory.openOrCreate("one").height
      await factory.close()
      return height
    }
    #expect(try await height() == 0)
    // The record as a ledger writes it.
    let block = try block()
    let factory = try FileLedgerFactory(
      directory: folder, signatures: CutSignatures(), logger: Logger(label: "test"))
    try await factory.openOrCreate("one").append(block)
    await factory.close()
    let record = [UInt8](try #require(FileManager.default.contents(atPath: file)))
    let lastDigit = try #require(record.lastIndex { $0 != 0 })
    let begin = record.count - block.metadata[0].count - 4
    for cut in Array(stride(from: begin, to: lastDigit - 20, by: 97))
      + Array((lastDigit - 20)...lastDigit)
    {
      try FileManager.default.removeItem(atPath: folder)
      #expect(try await height() == 0)
      try Data(record[..<cut] + [UInt8](repeating: 0, count: record.count - cut))
        .write(to: URL(fileURLWithPath: file))
      #expect(try await height() == 0, "zeros from byte \(cut) of \(record.count) on")
    }
    try FileManager.default.removeItem(atPath: folder)
    #expect(try await height() == 0)
    try Data(record).write(to: URL(fileURLWithPath: file))
    #expect(try await height() == 1)
  }
}
