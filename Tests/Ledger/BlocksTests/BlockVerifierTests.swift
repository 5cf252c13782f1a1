// Blocks are judged by the signatures that the channel's configuration asks for; those of BFT consenters
// by the quorum.

import BlockLedger
import ChannelConfig
import FabricProtos
import Membership
import Testing

@testable import Blocks

@Suite struct BlockVerifierTests {
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

  private static let channel = "app-bft-v30"

  /// A block after the genesis block, signed as told.
  private static func block(_ signatures: [Signature]) throws -> Block {
    var assembler = BlockAssembler(at: ChainEnd(after: try Fixtures.genesis(channel).header))
    let block = assembler.assemble([Array("a transaction".utf8)])
    let seal = try BlockSeal(lastConfig: 0, consenterMetadata: [1, 2, 3])
    let signed = try signatures.enumerated().map { index, wanted in
      let nonce = [UInt8(index)]
      return try seal.sign(
        block, by: Fixtures.signer(wanted.node),
        as: wanted.namesIdentity
          ? .identity(nonce: nonce) : .consenter(wanted.consenter, nonce: nonce))
    }
    return try seal.attach(signed, to: block, isForFabric1: false).block
  }

  private static func outcome(_ signatures: [Signature]) throws -> BlockVerifier.Outcome {
    BlockVerifier.checkSignatures(
      of: try block(signatures), against: try Fixtures.bundle(channel))
  }

  private func isInvalid(_ outcome: BlockVerifier.Outcome) -> Bool {
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
    "Fewer do not, nor does one who signs several times, one with a stranger's number, or a stranger",
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

  @Test("Elsewhere one orderer's signature suffices, and covers value, header and block header")
  func policy() throws {
    let bundle = try Fixtures.bundle("app-raft-v20")
    var assembler = BlockAssembler(at: ChainEnd())
    let block = assembler.assemble([[1], [2]])
    let seal = try BlockSeal(lastConfig: 0, consenterMetadata: [])
    let signature = try seal.sign(
      block, by: Fixtures.signer(1), as: .identity(nonce: [1, 2, 3]))
    let good = try seal.attach([signature], to: block, isForFabric1: false).block
    #expect(BlockVerifier.checkSignatures(of: good, against: bundle) == .valid)

    var other = good
    other.header.previousHash = [1]
    #expect(isInvalid(BlockVerifier.checkSignatures(of: other, against: bundle)))
    let moved = try BlockSeal(lastConfig: 1, consenterMetadata: [])
      .attach([signature], to: block, isForFabric1: false).block
    #expect(isInvalid(BlockVerifier.checkSignatures(of: moved, against: bundle)))
    let asConsenter = try seal.sign(
      block, by: Fixtures.signer(1), as: .consenter(1, nonce: [1, 2, 3]))
    let numbered = try seal.attach([asConsenter], to: block, isForFabric1: false).block
    #expect(isInvalid(BlockVerifier.checkSignatures(of: numbered, against: bundle)))
  }

  @Test(
    "Unreadable metadata and headers are refused, and so are more signatures than any block has")
  func hostile() throws {
    let bundle = try Fixtures.bundle("app-raft-v20")
    var block = Block(
      header: BlockHeader(number: 1, previousHash: [], dataHash: []), data: [], metadata: [])
    #expect(isInvalid(BlockVerifier.checkSignatures(of: block, against: bundle)))
    block.metadata = [[0xFF]]
    #expect(isInvalid(BlockVerifier.checkSignatures(of: block, against: bundle)))
    var metadata = Common_Metadata()
    metadata.signatures = [.with { $0.signatureHeader = .init([0xFF]) }]
    block.metadata = [try metadata.serializedBytes()]
    #expect(
      BlockVerifier.checkSignatures(of: block, against: bundle)
        == .invalid("the header of a signature is not readable"))
    metadata.signatures = Array(
      repeating: Common_MetadataSignature(), count: BlockVerifier.maximumSignatures + 1)
    block.metadata = [try metadata.serializedBytes()]
    #expect(
      BlockVerifier.checkSignatures(of: block, against: bundle)
        == .invalid("it has 1001 signatures"))
  }
}
