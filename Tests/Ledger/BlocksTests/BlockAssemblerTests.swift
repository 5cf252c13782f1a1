// Blocks are assembled one behind the other, and others' blocks have to fit at the same place.

import BlockLedger
import FabricCrypto
import FabricProtos
import Testing

@testable import Blocks

@Suite struct BlockAssemblerTests {
  private let batches: [[[UInt8]]] = [[[1, 2], [3]], [[4]], []]

  @Test("Each block has the next number, the hash of the header before, and that of its data")
  func chain() {
    let genesis = BlockHeader(number: 0, previousHash: [], dataHash: [9])
    var assembler = BlockAssembler(at: ChainEnd(after: genesis))
    var before = genesis
    for (index, batch) in batches.enumerated() {
      let block = assembler.assemble(batch)
      #expect(block.header.number == UInt64(index + 1))
      #expect(block.header.previousHash == SHA256Digest.hash(before.derBytes()))
      #expect(block.header.dataHash == SHA256Digest.hash(batch.flatMap(\.self)))
      #expect(block.data == batch)
      #expect(block.headerBytes == block.header.derBytes())
      #expect(block.hash == SHA256Digest.hash(block.header.derBytes()))
      #expect(assembler.end == ChainEnd(after: block.header))
      before = block.header
    }
  }

  @Test("The first block of all is number 0 and names none before it")
  func genesis() {
    var assembler = BlockAssembler(at: ChainEnd())
    let block = assembler.assemble([[1]])
    #expect(block.header.number == 0)
    #expect(block.header.previousHash == [])
  }

  @Test("What was assembled in vain is forgotten with the copy that assembled it")
  func copies() {
    let assembler = BlockAssembler(at: ChainEnd())
    var (one, other) = (assembler, assembler)
    let headers = [one.assemble([[1]]), other.assemble([[1]])].map(\.header)
    #expect(headers[0] == headers[1])
    #expect(assembler.end == ChainEnd())
  }

  @Test("The end of a chain takes the block that follows and no other, and stays where it is then")
  func end() throws {
    var assembler = BlockAssembler(at: ChainEnd())
    let blocks = batches.map { assembler.assemble($0) }
    var end = ChainEnd()
    func advance(_ block: AssembledBlock) throws(BlockError) {
      try end.advance(over: block.header, hash: block.hash, channelID: "one")
    }
    try advance(blocks[0])
    let before = end
    #expect(
      throws: BlockError(
        channelID: "one", reason: "block 2 came where block 1 was expected")
    ) { try advance(blocks[2]) }
    #expect(throws: BlockError.self) { try advance(blocks[0]) }
    let stranger = AssembledBlock(number: 1, previousHash: [1, 2], data: [])
    #expect {
      try advance(stranger)
    } throws: {
      "\($0)".hasPrefix("channel one: block 1 names the previous hash [0102], but")
    }
    #expect(end == before)
    try advance(blocks[1])
    try advance(blocks[2])
    #expect(end == assembler.end)
  }

  @Test("After the last number there is no other")
  func lastNumber() {
    var end = ChainEnd(after: BlockHeader(number: .max, previousHash: [], dataHash: []))
    let block = AssembledBlock(number: .max, previousHash: [], data: [])
    #expect(throws: BlockError.self) {
      try end.advance(over: block.header, hash: block.hash, channelID: "one")
    }
  }

  @Test("Blocks of others are taken only if the data hash is that of the data")
  func verifying() throws {
    let block = AssembledBlock(number: 7, previousHash: [1], data: [[1, 2], [3]])
    let same = try AssembledBlock(verifying: block.header, data: [[1], [2, 3]])
    #expect(same.hash == block.hash)
    for data in [[[1, 2]], [], [[1, 2], [4]]] as [[[UInt8]]] {
      #expect(throws: WrongDataHash(number: 7)) {
        try AssembledBlock(verifying: block.header, data: data)
      }
    }
  }
}
