// Which blocks of others are the next ones.

import BlockLedger
import Blocks
import ChannelConfig
import FabricCrypto
import FabricProtos
import ProcessingFixtures
import ReplicationFixtures
import Testing

@testable import Replication

@Suite struct ChainTrustTests {
  private static func chain() throws -> MadeChain {
    var chain = try MadeChain()
    try chain.grow()
    try chain.configure(maxMessageCount: 5)
    try chain.grow()
    return chain
  }

  private static var beginning: ChainTrust {
    ChainTrust(channelID: "raftchannel", bundle: nil, end: ChainEnd())
  }

  @Test func aChainIsFollowedFromItsFirstBlockOn() throws {
    var trust = Self.beginning
    for block in try Self.chain().blocks { try trust.advance(over: block) }
    #expect(trust.height == 4)
    #expect(trust.bundle?.sequence == 1)
    #expect(trust.bundle?.orderer?.batchSize.maxMessageCount == 5)
  }

  @Test func linksAloneAreCheckedIfALaterBlockIsTrusted() throws {
    var blocks = try Self.chain().blocks
    blocks[1].metadata[0] = []
    blocks[2].metadata[0] = []
    var trust = ChainTrust(linksOf: "raftchannel", end: ChainEnd())
    for block in blocks.dropLast() { try trust.advance(over: block) }
    for change in [
      { $0.header.previousHash[0] ^= 1 }, { $0.header.number = 9 }, { $0.data = [[1]] },
    ]
      as [(inout Block) -> Void]
    {
      var block = blocks[3]
      change(&block)
      #expect(throws: InvalidBlock.self) { try trust.advance(over: block) }
      #expect(trust.height == 3)
    }
    try trust.advance(over: blocks[3])
    #expect(trust.height == 4)
  }

  private struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let number: Int
    let make: @Sendable (Block) throws -> Block
  }

  private static func resealed(_ block: Block, by identity: TestIdentity) throws -> Block {
    try MadeChain.seal(
      AssembledBlock(verifying: block.header, data: block.data), lastConfig: 0, by: identity)
  }

  private static let faults = [
    Fault(testDescription: "number", number: 1) { block in
      var block = block
      block.header.number = 7
      return block
    },
    Fault(testDescription: "link", number: 3) { block in
      var block = block
      block.header.previousHash[0] ^= 1
      return block
    },
    Fault(testDescription: "data", number: 1) { block in
      var block = block
      block.data.append([1])
      return block
    },
    Fault(testDescription: "unsigned", number: 1) { block in
      var block = block
      block.metadata[0] = []
      return block
    },
    Fault(testDescription: "signed by a client", number: 1) {
      try resealed($0, by: TestIdentity.admin())
    },
    Fault(testDescription: "too few metadata", number: 3) { block in
      var block = block
      block.metadata.removeLast(3)
      return block
    },
    Fault(testDescription: "first block without a configuration", number: 0) { block in
      var block = block
      block.data = [[1, 2, 3]]
      block.header.dataHash = SHA256Digest.hash([1, 2, 3])
      return block
    },
    Fault(testDescription: "first block of another channel", number: 0) { _ in
      try MadeChain("other").blocks[0]
    },
    Fault(testDescription: "a configuration that does not follow", number: 2) { block in
      var config = try MadeChain()
      try config.configure(maxMessageCount: 5)
      try config.configure(maxMessageCount: 6)
      return try MadeChain.seal(
        AssembledBlock(
          number: 2, previousHash: block.header.previousHash, data: config.blocks[2].data),
        lastConfig: 2)
    },
  ]

  @Test(arguments: faults.indices)
  func aBlockThatDoesNotFitIsRefused(_ index: Int) throws {
    let fault = Self.faults[index]
    var trust = Self.beginning
    for block in try Self.chain().blocks {
      guard block.header.number == fault.number else {
        try trust.advance(over: block)
        continue
      }
      let bad = try fault.make(block)
      #expect(throws: InvalidBlock.self, "\(fault)") { try trust.advance(over: bad) }
      #expect(trust.height == fault.number)
      // Nothing has changed: the right block still fits.
      try trust.advance(over: block)
      return
    }
  }
}
