// The bytes of blocks, on which all nodes and peers must agree, and what becomes of writes that fail.

import BlockLedger
import Blocks
import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import Membership
import NIOCore
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Ordering

@Suite struct BlockWriterTests {
  private static let node = Result {
    let fixtures = Repository.fixtures.path
    return try LocalMSP(
      directory: "\(fixtures)/crypto/orderer.test/nodes/node1/msp", mspID: "OrdererMSP", now: Date()
    ).signer
  }

  private let time = ManualTime()
  private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// A store in memory with block 0 in it.
  private func store() async throws -> FlakyStore {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let store = try await ledgers.openOrCreate("one")
    try await store.append(
      SealedBlock(
        AssembledBlock(number: 0, previousHash: [], data: [[0]]), metadata: BlockMetadata.empty))
    return FlakyStore(store)
  }

  private func writer(
    _ store: any BlockStore, signer: (any Signer)? = nil, configSequence: UInt64 = 0
  ) throws -> BlockWriter {
    try BlockWriter(
      store: store, signer: try signer ?? Self.node.get(), configSequence: configSequence,
      retry: LedgerRetry(channelID: "one", time: time, logger: silent), time: time,
      metrics: .disabled)
  }

  private func content(
    _ entries: [UInt8]..., metadata: [UInt8] = [], isForFabric1: Bool = false
  ) -> BlockWriter.Content {
    BlockWriter.Content(
      entries: entries, consenterMetadata: metadata, isForFabric1: isForFabric1)
  }

  private func lastConfigs(_ store: any BlockStore) throws -> [UInt64] {
    try (1..<store.height).map { try store.block($0).lastConfigIndex(channelID: "one") }
  }

  @Test("Header and data: the number, the header before, and one hash over all entries")
  func header() async throws {
    let store = try await store()
    let genesis = try store.block(0)
    let writer = try writer(store)
    try await writer.write([content([1, 2], [3])], configSequence: 0)
    try await writer.write([content([4])], configSequence: 0)
    let first = try store.block(1)
    #expect(
      first.header
        == BlockHeader(
          number: 1, previousHash: SHA256Digest.hash(genesis.header.derBytes()),
          dataHash: SHA256Digest.hash([1, 2, 3])))
    #expect(first.data == [[1, 2], [3]])
    let second = try store.block(2)
    #expect(
      second.header
        == BlockHeader(
          number: 2, previousHash: SHA256Digest.hash(first.header.derBytes()),
          dataHash: SHA256Digest.hash([4])))
  }

  @Test(
    "Metadata: five slots, a value with last config and consenter metadata, one valid signature")
  func metadata() async throws {
    let store = try await store()
    let signer = try Self.node.get()
    let writer = try writer(store)
    let wrapped = ConsenterMetadata.wrap([8, 9])
    try await writer.write([content([1], metadata: wrapped)], configSequence: 1)
    let block = try store.block(1)
    #expect(block.metadata.count == 5)
    let slot = try Common_Metadata(serializedBytes: block.metadata[0])
    // last_config { index: 1 }, consenter_metadata { value: 08 09 }
    #expect([UInt8](slot.value) == [0x0A, 2, 8, 1, 0x12, 4, 0x0A, 2, 8, 9])
    #expect(block.metadata[1] == [0x0A, 2, 8, 1])
    #expect(Array(block.metadata[2...]) == [[], [], []])

    #expect(slot.signatures.count == 1)
    let signature = try #require(slot.signatures.first)
    #expect(signature.identifierHeader.isEmpty)
    let header = try Common_SignatureHeader(serializedBytes: signature.signatureHeader)
    #expect([UInt8](header.creator) == signer.serializedIdentity)
    #expect(header.nonce.count == 24)
    #expect(
      signer.identity.publicKey.isValid(
        signature: [UInt8](signature.signature)[...],
        forMessageParts: [
          [UInt8](slot.value)[...], [UInt8](signature.signatureHeader)[...],
          block.header.derBytes()[...],
        ]))
  }

  @Test(
    "Where Fabric 1.x may take part, the consenter's metadata stands in the orderer's slot as well")
  func fabric1() async throws {
    let store = try await store()
    let writer = try writer(store)
    let wrapped = ConsenterMetadata.wrap([8, 9])
    try await writer.write(
      [
        content([1], metadata: wrapped, isForFabric1: true), content([2], metadata: wrapped),
        content([3], isForFabric1: true),
      ], configSequence: 0)
    let slots = try (1...3).map { try store.block($0).metadata[3] }
    #expect(slots == [wrapped, [], []])
    #expect(try store.block(1).consenterMetadata() == [8, 9])
    #expect(try store.block(2).consenterMetadata() == [8, 9])
    #expect(try store.block(3).consenterMetadata() == [])
  }

  @Test("Until the first update block 0 holds the configuration, which takes no bytes in its slot")
  func lastConfigZero() async throws {
    let store = try await store()
    try await writer(store).write([content([1])], configSequence: 0)
    let block = try store.block(1)
    #expect(block.metadata[1] == [])
    let slot = try Common_Metadata(serializedBytes: block.metadata[0])
    #expect([UInt8](slot.value) == [0x0A, 0])
  }

  @Test("The first block under a higher sequence is the last config block, also after a restart")
  func lastConfig() async throws {
    let store = try await store()
    var writer = try writer(store)
    for sequence in [0, 0, 1, 1, 2] as [UInt64] {
      try await writer.write([content([1])], configSequence: sequence)
    }
    #expect(try lastConfigs(store) == [0, 0, 3, 3, 5])
    writer = try self.writer(store, configSequence: 2)
    try await writer.write([content([1])], configSequence: 2)
    try await writer.write([content([1]), content([2])], configSequence: 3)
    #expect(try lastConfigs(store) == [0, 0, 3, 3, 5, 5, 7, 7])
  }

  @Test("Several blocks go to the ledger together, each linked to the one before")
  func together() async throws {
    let store = try await store()
    try await writer(store).write((1...5).map { content([$0]) }, configSequence: 0)
    #expect(store.appends == [[1, 2, 3, 4, 5]])
    #expect(store.height == 6)
    for number in 1...5 as ClosedRange<UInt64> {
      let previous = try store.block(number - 1).header
      let block = try store.block(number)
      #expect(block.header.previousHash == SHA256Digest.hash(previous.derBytes()))
      #expect(block.data == [[UInt8(number)]])
    }
    let nonces = try (1...5 as ClosedRange<UInt64>).map { number in
      let signature = try #require(try store.block(number).signatures?.signatures.first)
      return try Common_SignatureHeader(serializedBytes: signature.signatureHeader).nonce
    }
    #expect(Set(nonces).count == 5)
  }

  @Test("Of blocks that are added in part, only the rest is tried again")
  func partOfThem() async throws {
    let store = try await store()
    store.failures.withLock {
      $0 = [
        .init(after: 1, error: .storage(.noSpace(path: "/ledger", operation: "write to"))),
        .init(after: 0, error: .storage(.io(path: "/ledger", operation: "write to", code: 5))),
      ]
    }
    let writer = try writer(store)
    let contents = (1...3).map { content([$0]) }
    async let written: Void = writer.write(contents, configSequence: 0)
    for _ in 0..<2 {
      await time.waitForSleepers(1)
      time.advance(by: LedgerRetry.longestDelay)
    }
    try await written
    #expect(store.appends == [[1, 2, 3], [2, 3], [2, 3]])
    try await writer.write([content([4])], configSequence: 0)
    #expect(try (1...4).map { try store.block($0).data } == (1...4).map { [[UInt8($0)]] })
  }

  @Test("What cannot pass is thrown, and nothing is ever written over")
  func forGood() async throws {
    let store = try await store()
    let halted = LedgerError.halted(channel: "one", reason: "could not synchronize")
    store.failures.withLock { $0 = [.init(after: 1, error: halted)] }
    let writer = try writer(store)
    await #expect(throws: halted) {
      try await writer.write([content([1]), content([2])], configSequence: 0)
    }
    await #expect(throws: (any Error).self) {
      try await writer.write([content([3])], configSequence: 0)
    }
    #expect(store.height == 2)
    #expect(try store.block(1).data == [[1]])
  }

  @Test("An empty ledger has no end to write at")
  func emptyLedger() async throws {
    let store = try await RAMLedgerFactory(historySize: 100).openOrCreate("one")
    #expect(throws: BlockError(channelID: "one", reason: "the ledger holds no block")) {
      try writer(store)
    }
  }

  @Test("A block without this node's signature does not get into the ledger")
  func unsigned() async throws {
    let store = try await store()
    let writer = try writer(store, signer: NoSigner())
    await #expect(
      throws: BlockError(channelID: "one", reason: "block 1 lacks this node's own signature")
    ) { try await writer.write([content([1])], configSequence: 0) }
    #expect(store.appends.isEmpty)
  }

  @Test("A ledger that says to have what it has not ends the chain")
  func falseLedger() async throws {
    let store = try await store()
    store.failures.withLock { $0 = [.init(after: 1, error: nil)] }
    let writer = try writer(store)
    await #expect {
      try await writer.write([content([1]), content([2])], configSequence: 0)
    } throws: {
      "\($0)".contains("the ledger has 2 blocks") && "\($0)".contains("ends behind 3")
    }
    await #expect(throws: BlockError.self) {
      try await writer.write([content([3])], configSequence: 0)
    }
  }

  // MARK: Blocks that others sealed

  /// A CONFIG message, as far as a block shows that it holds one.
  private func configuration() throws -> [UInt8] {
    var header = Common_ChannelHeader()
    header.type = Int32(Common_HeaderType.config.rawValue)
    var payload = Common_Payload()
    payload.header.channelHeader = try header.serializedData()
    var envelope = Common_Envelope()
    envelope.payload = try payload.serializedData()
    return try envelope.serializedBytes()
  }

  /// Blocks 1 to 4 of another node, which changed the configuration in block 2.
  private func foreign() async throws -> [Block] {
    let other = try await store()
    let writer = try writer(other)
    for (entry, sequence) in [
      ([0], 0), (try configuration(), 1), ([1], 1), ([2], 1),
    ] as [([UInt8], UInt64)] {
      try await writer.write([content(entry, metadata: [7])], configSequence: sequence)
    }
    return try (1...4).map { try other.block($0) }
  }

  @Test("Blocks that others sealed are committed byte for byte, and one's own follow them")
  func sealed() async throws {
    let store = try await store()
    let writer = try writer(store, signer: NoSigner())
    let blocks = try await foreign()
    try await writer.append(sealed: Array(blocks[..<1]), configSequence: 0)
    try await writer.append(sealed: Array(blocks[1...]), configSequence: 1)
    #expect(store.appends == [[1], [2, 3, 4]])
    for block in blocks {
      let stored = try await store.serializedBlocks(
        from: block.header.number, count: 1, bytes: 1)[0]
      #expect(Array(stored.readableBytesView) == block.serialized())
    }
    let own = try self.writer(store, configSequence: 1)
    try await own.append(sealed: [], configSequence: 1)
    try await own.write([content([5])], configSequence: 1)
    #expect(try lastConfigs(store) == [0, 2, 2, 2, 2])
  }

  @Test("Blocks that were made elsewhere keep header and data, and get this node's metadata")
  func made() async throws {
    let blocks = try await foreign()
    let store = try await store()
    let writer = try writer(store)
    let made = try blocks.enumerated().map { index, block in
      MadeBlock(
        try AssembledBlock(verifying: block.header, data: block.data),
        consenterMetadata: [0x0A, 1, UInt8(index)])
    }
    try await writer.append(made: Array(made[..<1]), isForFabric1: false, configSequence: 0)
    try writer.check(made: made[1])
    try await writer.append(made: Array(made[1...]), isForFabric1: false, configSequence: 1)
    #expect(store.appends == [[1], [2, 3, 4]])
    #expect(try lastConfigs(store) == [0, 2, 2, 2])
    for (index, block) in blocks.enumerated() {
      let stored = try store.block(block.header.number)
      #expect(stored.header == block.header)
      #expect(stored.data == block.data)
      #expect(stored.consenterMetadata() == [UInt8(index)])
      #expect(stored.signatures?.signatures.count == 1)
    }
    // What was written does not follow itself.
    #expect(throws: BlockError.self) { try writer.check(made: made[3]) }
    await #expect(throws: BlockError.self) {
      try await writer.append(made: [made[3]], isForFabric1: false, configSequence: 1)
    }
    #expect(store.height == 5)
  }

  @Test("A writer goes on behind what others sealed, with their last config")
  func goesOn() async throws {
    let store = try await store()
    let writer = try writer(store)
    let blocks = try await foreign()
    try await writer.append(sealed: blocks, configSequence: 1)
    try await writer.write([content([5])], configSequence: 1)
    try await writer.write([content([6])], configSequence: 2)
    #expect(try lastConfigs(store) == [0, 2, 2, 2, 2, 6])
    let last = try #require(blocks.last)
    #expect(
      try store.block(5).header.previousHash == SHA256Digest.hash(last.header.derBytes()))
  }

  @Test("A sealed block that does not fit is refused, and nothing before it is written either")
  func unfit() async throws {
    let blocks = try await foreign()
    var otherData = blocks
    otherData[2].data = [[9]]
    var otherLink = blocks
    otherLink[2].header.previousHash[0] ^= 1
    var gap = blocks
    gap.remove(at: 1)
    var twice = blocks
    twice.insert(blocks[0], at: 1)
    func pointing(_ index: Int, to lastConfig: UInt64) throws -> [Block] {
      var all = blocks
      all[index].metadata = try BlockSeal(lastConfig: lastConfig, consenterMetadata: [])
        .attach(
          [], to: AssembledBlock(verifying: all[index].header, data: all[index].data),
          isForFabric1: false
        ).metadata
      return all
    }
    var silent = blocks
    silent[0].metadata = []
    for (unfit, reason) in [
      (otherData, "the data hash of block 3"), (otherLink, "names the previous hash"),
      (gap, "block 3 came where block 2 was expected"),
      (twice, "block 1 came where block 2 was expected"),
      (try pointing(3, to: 5), "is in block 5, but it is in block 2"),
      (try pointing(2, to: 0), "is in block 0, but it is in block 2"),
      (try pointing(1, to: 0), "is in block 0, but it is in block 2"),
      (try pointing(0, to: 1), "is in block 1, but it is in block 0"),
      (silent, "does not tell its last config block"),
    ] {
      let store = try await store()
      let writer = try writer(store)
      await #expect {
        try await writer.append(sealed: unfit, configSequence: 1)
      } throws: {
        "\($0)".contains(reason) && "\($0)".hasPrefix("channel one: ")
      }
      #expect(store.appends.isEmpty)
      // The writer is where it was.
      try await writer.append(sealed: blocks, configSequence: 1)
      #expect(store.height == 5)
    }
  }
}

/// Makes signatures without a byte in them.
private struct NoSigner: Signer {
  let serializedIdentity: [UInt8] = [1, 2, 3]
  func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8] { [] }
}

/// A store that fails when it is told to, and notes what it was asked to add.
private final class FlakyStore: BlockStore {
  struct Failure: Sendable {
    /// How many of the blocks are added first.
    var after: Int
    /// Nil to say that all of them were.
    var error: LedgerError?
  }

  /// What becomes of the next appends; later ones succeed.
  let failures = Mutex<[Failure]>([])
  private let asked = Mutex<[[UInt64]]>([])
  private let store: any BlockStore

  init(_ store: any BlockStore) { self.store = store }

  /// The numbers in each append.
  var appends: [[UInt64]] { asked.withLock { $0 } }

  var channelID: String { store.channelID }
  var height: UInt64 { store.height }
  var oldestBlock: UInt64 { store.oldestBlock }
  var lastBlockHash: [UInt8] { store.lastBlockHash }

  func append(_ blocks: [SealedBlock]) async throws(LedgerError) {
    guard !blocks.isEmpty else { return }
    asked.withLock { $0.append(blocks.map(\.number)) }
    guard let failure = failures.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
      return try await store.append(blocks)
    }
    try await store.append(Array(blocks.prefix(failure.after)))
    if let error = failure.error { throw error }
  }

  func block(_ number: UInt64) throws(LedgerError) -> Block { try store.block(number) }
  func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer] {
    try await store.serializedBlocks(from: number, count: count, bytes: bytes)
  }
}
