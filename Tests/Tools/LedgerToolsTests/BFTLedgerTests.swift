// A ledger of BFT consenters is verified with its signatures.

import BlockLedger
import Blocks
import FabricProtos
import Foundation
import Logging
import Membership
import TestSupport
import Testing

@testable import LedgerTools

@Suite struct BFTLedgerTests {
  private static let fixtures = Repository.fixtures.path

  private static func genesis() throws -> Block {
    try Block(
      serialized: [UInt8](
        try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/blocks/app-bft-v30.block"))))
  }

  /// A block after the genesis block, signed by consenters.
  private static func block(_ consenters: [UInt32]) throws -> SealedBlock {
    var assembler = BlockAssembler(at: ChainEnd(after: try genesis().header))
    let block = assembler.assemble([Array("a transaction".utf8)])
    let seal = try BlockSeal(lastConfig: 0, consenterMetadata: [1, 2, 3])
    let signatures = try consenters.map { number in
      let msp = try LocalMSP(
        directory: "\(fixtures)/crypto/orderer.test/nodes/node\(number)/msp", mspID: "OrdererMSP",
        now: Date())
      return try seal.sign(block, by: msp.signer, as: .consenter(number, nonce: [UInt8(number)]))
    }
    return try seal.attach(signatures, to: block, isForFabric1: false)
  }

  @Test(
    "Three of four consenters make a block valid, two do not", arguments: [[1, 3, 4], [1, 3]])
  func ledger(consenters: [UInt32]) async throws {
    let isSound = consenters.count == 3
    let folder = "\(FileManager.default.temporaryDirectory.path)/heddle-bft-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let factory = try FileLedgerFactory(
      directory: folder, signatures: CutSignatures(), logger: Logger(label: "test"))
    let store = try await factory.openOrCreate("bftchannel")
    try await store.append(try Self.genesis())
    try await store.append(try Self.block(consenters))
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
