// A system channel of type etcdraft, as other orderers have it, and nodes that begin with it.

import BlockLedger
import Blocks
import Concurrency
import FabricProtos
import Ordering
import ProcessingFixtures
import ReplicationFixtures
import TestSupport

@testable import Multichannel

/// Other orderers with a system channel, a channel that comes to name this node, and one that never does.
struct SystemChannelFixture {
  static let name = "system"
  static let ours = "ours"
  static let foreign = "foreign"

  let folder = JoinFolder()
  let orderers = PretendedOrderers()
  let time = ManualTime()
  let cluster = TestCluster(readsConfig: true)
  /// Block 1 creates `ours`, block 2 `foreign`; the last holds a configuration.
  private(set) var system: MadeChain
  /// Names this node from its block 2 on, and has one more.
  private(set) var ours: MadeChain
  private(set) var foreign: MadeChain

  init() throws {
    system = try Self.systemChannel()
    ours = try MadeChain(Self.ours)
    foreign = try MadeChain(Self.foreign)
    try system.create(ours)
    try system.create(foreign)
    try system.create(ours)
    try system.configure { try $0.editBatchSize { $0.preferredMaxBytes = 1000 } }
    try ours.grow()
    try ours.configure(maxMessageCount: TestCluster.consentersMessageCount)
    try ours.grow()
    try foreign.grow(by: 2)
    orderers.set(system.blocks, of: Self.name)
    orderers.set(ours.blocks, of: Self.ours)
    orderers.set(foreign.blocks, of: Self.foreign)
  }

  /// One of which this node is a consenter.
  static func systemChannel(type: String = "etcdraft") throws -> MadeChain {
    try MadeChain(name, of: "system-solo-v20") {
      try $0.editConsensus { $0.type = type }
      try $0.editBatchSize { $0.maxMessageCount = TestCluster.consentersMessageCount }
    }
  }

  /// The block that a node is onboarded with.
  var boot: Block { system.blocks[system.blocks.count - 1] }

  /// - Parameters:
  ///   - boot: The bootstrap block.
  func withNode<Value>(
    boot: Block? = nil, kafka: (any Consenter)? = nil, told: Watched<[String]> = Watched([]),
    _ body: (Registrar) async throws -> Value
  ) async throws -> Value {
    try await folder.withNode(
      cluster, orderers: orderers, time: time, boot: boot, kafka: kafka, told: told
    ) { registrar, _ in try await body(registrar) }
  }

  /// Puts blocks into ledgers, as a node did that was killed.
  func write(_ chains: [(name: String, blocks: [Block])], noting join: Block? = nil) async throws {
    let ledgers = try FileLedgerFactory(
      directory: folder.path, signatures: CutSignatures(), logger: RegistrarTests.silent)
    for (name, blocks) in chains {
      let store = try await ledgers.openOrCreate(name)
      for block in blocks { try await store.append(block) }
    }
    if let join { try await ledgers.joins?.save(Self.name, join.serialized()) }
    await ledgers.close()
  }
}

extension Registrar {
  func participation(in name: String) throws -> String {
    let info = try info(of: name)
    return
      "\(info.participation.relation.rawValue)/\(info.participation.status.rawValue) \(info.height)"
  }
}
