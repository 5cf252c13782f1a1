// The bytes that seal a block: as Go's orderers make them.

import BlockLedger
import FabricCrypto
import FabricProtos
import Foundation
import Membership
import TestSupport
import Testing

@testable import Blocks

@Suite struct BlockSealTests {
  private var block: AssembledBlock { AssembledBlock(number: 3, previousHash: [1], data: [[1]]) }

  @Test("The value is the last config block and the consenter's metadata as it gave it")
  func value() throws {
    #expect(try BlockSeal(lastConfig: 0, consenterMetadata: []).value == [0x0A, 0])
    #expect(
      try BlockSeal(lastConfig: 300, consenterMetadata: [7, 7]).value
        == [0x0A, 3, 8, 0xAC, 2, 0x12, 2, 7, 7])
  }

  @Test("A signature covers value, signer's header and block header, in that order")
  func signing() throws {
    let signer = try Fixtures.signer(1)
    let seal = try BlockSeal(lastConfig: 2, consenterMetadata: [7])
    for name in [BlockSeal.SignerName.identity(nonce: [5]), .consenter(4, nonce: [5])] {
      let signature = try seal.sign(block, by: signer, as: name)
      switch signature.header {
      case .signature(let bytes):
        let header = try Common_SignatureHeader(serializedBytes: bytes)
        #expect([UInt8](header.creator) == signer.serializedIdentity)
        #expect([UInt8](header.nonce) == [5])
      case .identifier(let bytes):
        #expect(bytes == [8, 4, 0x12, 1, 5])
      }
      #expect(
        signer.identity.publicKey.isValid(
          signature: signature.bytes[...],
          forMessageParts: [
            seal.value[...], signature.header.bytes[...], block.header.derBytes()[...],
          ]))
    }
  }

  @Test("Any number of signatures is attached in the order given, each with its kind of header")
  func attaching() throws {
    let seal = try BlockSeal(lastConfig: 2, consenterMetadata: [7])
    let signatures = [
      BlockSignature(header: .identifier([1]), bytes: [2]),
      BlockSignature(header: .signature([3]), bytes: [4]),
    ]
    let sealed = try seal.attach(signatures, to: block, isForFabric1: false)
    #expect(sealed.header == block.header)
    #expect(sealed.block.data == block.data)
    let slot = try Common_Metadata(serializedBytes: sealed.metadata[0])
    #expect([UInt8](slot.value) == seal.value)
    #expect(slot.signatures.map { [UInt8]($0.identifierHeader) } == [[1], []])
    #expect(slot.signatures.map { [UInt8]($0.signatureHeader) } == [[], [3]])
    #expect(slot.signatures.map { [UInt8]($0.signature) } == [[2], [4]])
    #expect(Array(sealed.metadata[1...]) == [[0x0A, 2, 8, 2], [], [], []])
    let none = try seal.attach([], to: block, isForFabric1: true)
    #expect(none.metadata[3] == [7])
    #expect(none.block.signatures?.signatures.isEmpty == true)
  }

  @Test("A block names the last config block, and no other")
  func lastConfig() throws {
    let sealed = try BlockSeal(lastConfig: 2, consenterMetadata: [])
      .attach([], to: block, isForFabric1: false)
    try BlockSeal.checkLastConfig(of: sealed, is: 2, channelID: "one")
    for expected in [0, 1, 3] as [UInt64] {
      #expect(
        throws: BlockError(
          channelID: "one",
          reason:
            "block 3 says that the configuration is in block 2, but it is in block \(expected)")
      ) { try BlockSeal.checkLastConfig(of: sealed, is: expected, channelID: "one") }
    }
  }

  @Test("A node recognizes its own signature among others")
  func ownSignature() throws {
    let seal = try BlockSeal(lastConfig: 0, consenterMetadata: [])
    let signatures = try (1...2).map { node in
      try seal.sign(block, by: Fixtures.signer(node), as: .identity(nonce: [5]))
    }
    let sealed = try seal.attach(signatures, to: block, isForFabric1: false)
    try BlockSeal.checkIsSigned(sealed, by: Fixtures.signer(2), channelID: "one")
    #expect(
      throws: BlockError(channelID: "one", reason: "block 3 lacks this node's own signature")
    ) { try BlockSeal.checkIsSigned(sealed, by: Fixtures.signer(3), channelID: "one") }
  }

  @Test("Blocks of Go's orderers, taken apart and sealed again, have the same bytes")
  func recorded() async throws {
    for archive in ["v1.4.12", "v2.5.16", "v3.1.5"] {
      let folder = try TemporaryFolder()
      try RecordedArchive.unpack("fileledger-\(archive).tar.gz", into: folder)
      let ledgers = try LedgerFolder(directory: "\(folder.path)/ledger")
      for channel in try ledgers.channelIDs() {
        let chain = try ledgers.chain(channel)
        var lastConfig: UInt64 = 0
        var assembler = BlockAssembler(at: ChainEnd(after: try chain.block(0).header))
        for number in 1..<(try chain.height()) {
          let stored = try chain.block(number)
          let recorded = stored.block
          let slot = try #require(recorded.signatures)
          let seal = try BlockSeal(
            lastConfig: recorded.lastConfigIndex(channelID: channel),
            consenterMetadata: recorded.sealedConsenterMetadata())
          #expect(seal.value == [UInt8](slot.value))
          let signatures = slot.signatures.map { signature in
            BlockSignature(
              header: signature.identifierHeader.isEmpty
                ? .signature([UInt8](signature.signatureHeader))
                : .identifier([UInt8](signature.identifierHeader)),
              bytes: [UInt8](signature.signature))
          }
          let sealed = try seal.attach(
            signatures, to: assembler.assemble(recorded.data),
            isForFabric1: !recorded.metadata[3].isEmpty)
          #expect(sealed.header == recorded.header, "\(archive) \(channel) \(number)")
          #expect(sealed.hash == stored.headerHash)
          if recorded.configEnvelope != nil { lastConfig = number }
          try BlockSeal.checkLastConfig(of: sealed, is: lastConfig, channelID: channel)
          // Fabric 1.x has no slot for the commit hash yet.
          #expect(
            Array(sealed.metadata.prefix(recorded.metadata.count)) == recorded.metadata,
            "\(archive) \(channel) \(number)")
        }
      }
    }
  }
}
