// Blocks of BFT consenters are judged by the quorum that the channel's configuration asks for.

import BlockLedger
import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import Membership
import Testing

@testable import LedgerTools

@Suite struct BFTSignatureTests {
  /// One signature of a block.
  struct Signature: Sendable {
    /// The number that it claims to be of.
    var consenter: UInt32
    /// The node whose key makes it.
    var node: Int
    /// Whether it carries its maker's identity instead of a number.
    var namesIdentity = false

    static func by(_ consenters: UInt32...) -> [Signature] {
      consenters.map { Signature(consenter: $0, node: Int($0)) }
    }
  }

  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures").path

  private static func genesis() throws -> Block {
    try Block(
      serialized: [UInt8](
        try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/blocks/app-bft-v30.block"))))
  }

  private static func signer(_ node: Int) throws -> SigningIdentity {
    try LocalMSP(
      directory: "\(fixtures)/crypto/orderer.test/nodes/node\(node)/msp", mspID: "OrdererMSP"
    ).signer
  }

  /// A block behind the genesis block, signed as told.
  private static func block(_ signatures: [Signature]) throws -> Block {
    let data = [Array("a transaction".utf8)]
    let header = BlockHeader(
      number: 1, previousHash: SHA256Digest.hash(try genesis().header.derBytes()),
      dataHash: SHA256Digest.hash(data[0]))
    var signedPart = Common_OrdererBlockMetadata()
    signedPart.lastConfig.index = 0
    signedPart.consenterMetadata = Data([1, 2, 3])
    let value: [UInt8] = try signedPart.serializedBytes()
    var metadata = Common_Metadata()
    metadata.value = Data(value)
    for (index, wanted) in signatures.enumerated() {
      let signer = try signer(wanted.node)
      var signature = Common_MetadataSignature()
      var signedHeader: [UInt8]
      if wanted.namesIdentity {
        var header = Common_SignatureHeader()
        header.creator = Data(signer.serializedIdentity)
        header.nonce = Data([UInt8(index)])
        signedHeader = try header.serializedBytes()
        signature.signatureHeader = Data(signedHeader)
      } else {
        var header = Common_IdentifierHeader()
        header.identifier = wanted.consenter
        header.nonce = Data([UInt8(index)])
        signedHeader = try header.serializedBytes()
        signature.identifierHeader = Data(signedHeader)
      }
      signature.signature = Data(
        try signer.sign([value[...], signedHeader[...], header.derBytes()[...]]))
      metadata.signatures.append(signature)
    }
    var entries = [[UInt8]](repeating: [], count: 5)
    entries[0] = try metadata.serializedBytes()
    return Block(header: header, data: data, metadata: entries)
  }

  private static func outcome(_ signatures: [Signature]) throws -> SignatureOutcome {
    let bundle = try ConfigBundle(configEnvelope: try #require(try genesis().data.first))
    return BlockSignatures.check(try block(signatures), against: bundle)
  }

  private func isInvalid(_ outcome: SignatureOutcome) -> Bool {
    if case .invalid = outcome { true } else { false }
  }

  @Test(
    "Three of four consenters suffice, whoever else has signed",
    arguments: [
      Signature.by(1, 2, 3), Signature.by(4, 2, 1), Signature.by(1, 2, 3, 4),
      Signature.by(1, 2, 3) + [Signature(consenter: 9, node: 4)],
      Signature.by(1, 2) + [Signature(consenter: 0, node: 4, namesIdentity: true)],
    ])
  func quorum(signatures: [Signature]) throws {
    #expect(try Self.outcome(signatures) == .valid)
  }

  @Test(
    "Fewer do not, nor do one who signs several times, one with a stranger's number, and strangers",
    arguments: [
      Signature.by(1), Signature.by(3, 4), Signature.by(1, 1, 1), Signature.by(1, 2, 2),
      Signature.by(1, 2) + [Signature(consenter: 9, node: 3)],
      Signature.by(1, 2) + [Signature(consenter: 3, node: 4)],
    ])
  func noQuorum(signatures: [Signature]) throws {
    #expect(isInvalid(try Self.outcome(signatures)))
  }

  @Test("A block without signatures is not signed")
  func unsigned() throws {
    #expect(try Self.outcome([]) == .unsigned)
  }

  @Test("A channel of BFT consenters is verified with its signatures")
  func ledger() async throws {
    for (signatures, isSound) in [(Signature.by(1, 3, 4), true), (Signature.by(1, 3), false)] {
      let folder = "\(FileManager.default.temporaryDirectory.path)/heddle-bft-\(UUID().uuidString)"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let factory = try FileLedgerFactory(directory: folder, logger: Logger(label: "test"))
      let store = try await factory.openOrCreate("bftchannel")
      try await store.append(try Self.genesis())
      try await store.append(try Self.block(signatures))
      await factory.close()
      let chain = try LedgerFolder(directory: folder).chain("bftchannel")
      let report = try await ChainVerifier(chain, workers: 2).run()
      #expect(report.isSound == isSound, "\(report.problems)")
      #expect(report.validSignatures == (isSound ? 1 : 0))
      #expect(report.uncheckedSignatures == 0)
      let description = BlockDescription(try chain.block(1), channel: "bftchannel")
      #expect(description.signatures.first?.signer == "consenter 1")
    }
  }
}
