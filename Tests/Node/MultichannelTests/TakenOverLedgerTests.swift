// Ledgers that another orderer wrote, or that a stopped orderer left in the middle of something.

import BlockLedger
import Blocks
import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import MessageProcessing
import Ordering
import SwiftProtobuf
import Testing

@testable import Multichannel

@Suite struct TakenOverLedgerTests {
  private static let system = "syschannel"

  // MARK: Unknown capabilities

  /// A channel's genesis block with a capability that nobody knows.
  private func block(_ name: String, requiring capability: String, at level: String?) throws
    -> Block
  {
    try Self.edited(RegistrarTests.genesis(name)) { root in
      let capabilities = Common_Capabilities.with {
        $0.capabilities["V2_0"] = Common_Capability()
        $0.capabilities[capability] = Common_Capability()
      }
      let content: Data = try capabilities.serializedData()
      if let level {
        root.groups[level]?.values["Capabilities"]?.value = content
      } else {
        root.values["Capabilities"]?.value = content
      }
    }
  }

  static func edited(
    _ block: Block, _ change: (inout Common_ConfigGroup) throws -> Void
  ) throws -> Block {
    var block = block
    var envelope = try Common_Envelope(serializedBytes: block.data[0])
    var payload = try Common_Payload(serializedBytes: envelope.payload)
    var config = try Common_ConfigEnvelope(serializedBytes: payload.data)
    try change(&config.config.channelGroup)
    payload.data = try config.serializedData()
    envelope.payload = try payload.serializedData()
    block.data = [try envelope.serializedBytes()]
    block.header.dataHash = SHA256Digest.hash(block.data[0])
    return block
  }

  @Test(arguments: [("Channel", nil), ("Orderer", "Orderer")] as [(String, String?)])
  func aChannelThatNeedsAnUnknownCapabilityStopsAlone(_ level: String, _ group: String?)
    async throws
  {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let system = try await ledgers.openOrCreate(Self.system)
    try await system.append(RegistrarTests.genesis("system-solo-v20"))
    let modern = try await ledgers.openOrCreate("raftchannel")
    try await modern.append(block("app-raft-v20", requiring: "V9_7", at: group))

    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.initialize()
    guard case .unavailable(let reason) = registrar.lookUp("raftchannel") else {
      Issue.record("the channel should be known with its reason")
      return
    }
    #expect(reason.contains("\(level) capability V9_7 is required but not supported"))
    #expect(registrar.channels().map(\.id) == [Self.system])
    // Its blocks stay: a newer orderer can go on with them.
    #expect(modern.height == 1)
    await registrar.halt()
  }

  @Test func anUnknownCapabilityOfTheApplicationConcernsPeersOnly() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let channel = try await ledgers.openOrCreate("raftchannel")
    let block = try Self.edited(block("app-raft-v20", requiring: "V9_7", at: "Application")) {
      root in
      let consensus = Orderer_ConsensusType.with { $0.type = "solo" }
      root.groups["Orderer"]?.values["ConsensusType"]?.value = try consensus.serializedData()
    }
    try await channel.append(block)
    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.initialize()
    #expect(registrar.channels().map(\.id) == ["raftchannel"])
    await registrar.halt()
  }

  @Test func aSystemChannelThatNeedsAnUnknownCapabilityDoesNotEndTheNode() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let system = try await ledgers.openOrCreate(Self.system)
    try await system.append(block("system-solo-v20", requiring: "V9_7", at: "Orderer"))
    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.initialize()
    guard case .unavailable(let reason) = registrar.lookUp(Self.system) else {
      Issue.record("the channel should be known with its reason")
      return
    }
    #expect(reason.contains("Orderer capability V9_7"))
    #expect(registrar.channels().isEmpty)
  }

  @Test func aGenesisBlockWithAnUnknownCapabilityIsNotWritten() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let registrar = try RegistrarTests.registrar(ledgers)
    let genesis = try block("system-solo-v20", requiring: "V9_7", at: nil)
    await #expect {
      try await registrar.bootstrap(genesis)
    } throws: {
      "\($0)".contains("Channel capability V9_7")
    }
    #expect(try ledgers.channelIDs() == [])
  }

  /// As when nodes of different releases order one channel, and this one is behind.
  @Test func aConfigBlockWithAnUnknownCapabilityIsNotWritten() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.bootstrap(RegistrarTests.genesis("system-solo-v20"))
    try await registrar.initialize()
    guard case .channel(let channel) = registrar.lookUp(Self.system) else { return }
    let message = try CreationFixture.capabilityUpdate(of: channel.bundle, adding: "V9_7")
    await #expect {
      #expect(await channel.configure(message) == .taken)
      _ = await channel.tip.wait(beyond: channel.tip.height, heedsErrors: true)
      throw RegistrarError(channel.tip.error ?? "the channel goes on")
    } throws: {
      "\($0)".contains("capability V9_7 is required but not supported")
    }
    #expect(channel.tip.height == 1)
    #expect(channel.bundle.sequence == 0)
    await registrar.halt()
  }

  // MARK: Stopped in the middle of a creation

  /// How far the creation of a channel had come when the orderer was killed.
  enum Step: CaseIterable {
    /// The ledger has its folder.
    case folder
    /// The genesis block is in the block file, but for its last bytes.
    case partOfTheBlock
    /// The genesis block is written; the block of the system channel that has the transaction is not.
    case genesisBlock
  }

  @Test(arguments: Step.allCases)
  func aCreationThatWasInterruptedLeavesAWholeChannelOrNone(_ step: Step) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("heddle-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let name = CreationFixture.channelID

    // A node that has just set up its system channel, and then dies while it creates a channel.
    let genesis = try CreationFixture.genesisBlock()
    try await Self.withNode(folder) { ledgers, _ in
      guard step == .genesisBlock else { return }
      try await ledgers.openOrCreate(name).append(genesis)
    }
    if step != .genesisBlock {
      let chain = "\(folder)/chains/\(name)"
      try FileManager.default.createDirectory(atPath: chain, withIntermediateDirectories: true)
      if step == .partOfTheBlock {
        let record = Self.record(of: genesis)
        try Data(record.dropLast(3)).write(
          to: URL(fileURLWithPath: "\(chain)/blockfile_000000"))
      }
    }

    // The next start finds a whole channel or none, and the creation can be asked for again.
    try await Self.withNode(folder) { ledgers, registrar in
      let exists = step == .genesisBlock
      #expect(
        try ledgers.channelIDs().sorted()
          == (exists ? [name, Self.system] : [Self.system]).sorted())
      #expect((registrar.lookUp(name) != nil) == exists)
      guard case .channel(let system) = registrar.lookUp(Self.system) else {
        Issue.record("the system channel should work")
        return
      }
      #expect(system.tip.height == 1)
      let creation = try EnvelopeView(CreationFixture.transaction())
      if exists {
        // To those who ask again, it is an existing channel.
        #expect(try registrar.broadcastChannel(for: creation).id == name)
        #expect(throws: ProcessingError.self) {
          try system.processor.processConfigUpdate(creation)
        }
        return
      }
      let made = try system.processor.processConfigUpdate(creation)
      let outcome = await system.configure(
        OrderedMessage(
          envelope: try EnvelopeView(made.configEnvelope), configSequence: made.sequence,
          isConfig: true))
      #expect(outcome == .taken)
      _ = await system.tip.wait(beyond: 1, heedsErrors: true)
      #expect(system.tip.height == 2)
      guard case .channel(let channel) = registrar.lookUp(name) else {
        Issue.record("the channel should exist now")
        return
      }
      #expect(channel.tip.height == 1)
    }
  }

  /// Where messages come again after a restart, as from Kafka: the channel is whole already, and the
  /// system channel still gets the block.
  @Test func aCreationThatIsOrderedOnceMoreIsRecordedWithoutHarm() async throws {
    let ledgers = RAMLedgerFactory(historySize: 100)
    var registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.bootstrap(RegistrarTests.genesis("system-solo-v20"))
    try await registrar.initialize()
    guard case .channel(let first) = registrar.lookUp(Self.system) else { return }
    let made = try first.processor.processConfigUpdate(EnvelopeView(CreationFixture.transaction()))
    await registrar.halt()
    let genesis = try CreationFixture.genesisBlock()
    try await ledgers.openOrCreate(CreationFixture.channelID).append(genesis)

    registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.initialize()
    guard case .channel(let system) = registrar.lookUp(Self.system) else { return }
    let outcome = await system.configure(
      OrderedMessage(
        envelope: try EnvelopeView(made.configEnvelope), configSequence: made.sequence,
        isConfig: true))
    #expect(outcome == .taken)
    _ = await system.tip.wait(beyond: 1, heedsErrors: true)
    #expect(system.tip.height == 2)
    #expect(system.tip.error == nil)
    let store = try await ledgers.openOrCreate(CreationFixture.channelID)
    #expect(store.height == 1)
    #expect(try store.block(0) == genesis)
    await registrar.halt()
  }

  /// Runs `body` on a node with a file ledger in `folder`, whose system channel is set up first.
  private static func withNode(
    _ folder: String, _ body: (FileLedgerFactory, Registrar) async throws -> Void
  ) async throws {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let ledgers = try FileLedgerFactory(
      directory: folder, signatures: CutSignatures(), logger: logger)
    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.bootstrap(RegistrarTests.genesis("system-solo-v20"))
    try await registrar.initialize()
    try await body(ledgers, registrar)
    await registrar.halt()
    await ledgers.close()
  }

  /// The bytes of a block file that holds just this block.
  private static func record(of block: Block) -> [UInt8] {
    var body: [UInt8] = []
    func append(_ bytes: [UInt8]) {
      Varint.append(UInt64(bytes.count), to: &body)
      body += bytes
    }
    Varint.append(block.header.number, to: &body)
    append(block.header.dataHash)
    append(block.header.previousHash)
    for entries in [block.data, block.metadata] {
      Varint.append(UInt64(entries.count), to: &body)
      for entry in entries { append(entry) }
    }
    var record: [UInt8] = []
    Varint.append(UInt64(body.count), to: &record)
    return record + body
  }
}
