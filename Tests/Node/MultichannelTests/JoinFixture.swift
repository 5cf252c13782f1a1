// A node that joins channels of a cluster: folders, blocks, and a consenter that does as it is told.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import Ordering
import ProcessingFixtures
import ReplicationFixtures
import SoloConsensus
import Synchronization
import Testing

@testable import Multichannel

/// A consenter for channels of type etcdraft; its chains order as solo's do.
final class TestCluster: ClusterConsenter {
  struct Refusal: Error {}

  private struct State {
    var role = ConsensusRole.consenter
    var refusesChains = false
    var refusesRemoval = false
    var removed: [String] = []
    var supports: [String: any ConsenterSupport] = [:]
  }

  /// A configuration that allows so many messages in a block names the node, if `readsConfig`.
  static let consentersMessageCount: UInt32 = 77

  private let solo = SoloConsenter(time: ManualTime(), logger: RegistrarTests.silent)
  private let state = Mutex(State())
  private let readsConfig: Bool

  init(role: ConsensusRole = .consenter, readsConfig: Bool = false) {
    self.readsConfig = readsConfig
    state.withLock { $0.role = role }
  }

  /// What the newest chain of a channel was made with.
  func support(of channelID: String) -> (any ConsenterSupport)? {
    state.withLock { $0.supports[channelID] }
  }

  /// Channels whose data was removed.
  var removed: [String] { state.withLock { $0.removed } }

  func setRole(_ role: ConsensusRole) { state.withLock { $0.role = role } }
  func refuseChains(_ refuses: Bool) { state.withLock { $0.refusesChains = refuses } }
  func refuseRemoval(_ refuses: Bool) { state.withLock { $0.refusesRemoval = refuses } }

  func role(in bundle: ConfigBundle) -> ConsensusRole {
    guard readsConfig else { return state.withLock { $0.role } }
    return bundle.orderer?.batchSize.maxMessageCount == Self.consentersMessageCount
      ? .consenter : .follower
  }

  func makeChain(support: any ConsenterSupport, newestBlock: Block) throws -> any Chain {
    try state.withLock { state in
      if state.refusesChains { throw Refusal() }
      state.supports[support.channelID] = support
    }
    return try solo.makeChain(support: support, newestBlock: newestBlock)
  }

  func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {}

  func removeData(of channelID: String) async throws {
    try state.withLock { state in
      if state.refusesRemoval { throw Refusal() }
      state.removed.append(channelID)
    }
  }
}

/// A ledger folder, and the nodes that run on it one after the other.
final class JoinFolder: Sendable {
  let path = FileManager.default.temporaryDirectory.path + "/heddle-join-\(UUID().uuidString)"

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Runs a node on the folder, from its start to an orderly stop.
  ///
  /// - Parameters:
  ///   - orderers: Where the blocks of followed channels come from; by default nobody is there.
  ///   - boot: The bootstrap block.
  ///   - told: Gets what the node tells of its part in channels, and "gone".
  func withNode<Value>(
    _ cluster: TestCluster, orderers: PretendedOrderers = PretendedOrderers(),
    time: ManualTime = ManualTime(), boot: Block? = nil, kafka: (any Consenter)? = nil,
    told: Watched<[String]> = Watched([]),
    _ body: (Registrar, FileLedgerFactory) async throws -> Value
  ) async throws -> Value {
    let ledgers = try FileLedgerFactory(
      directory: path, signatures: CutSignatures(), logger: RegistrarTests.silent)
    let registrar = try RegistrarTests.registrar(
      ledgers, time: time, cluster: cluster, kafka: kafka,
      blocks: try orderers.puller(time: time),
      onParticipation: { _, participation in
        let text = participation.map { "\($0.relation.rawValue)/\($0.status.rawValue)" }
        told.change { $0.append(text ?? "gone") }
      })
    let result: Result<Value, any Error>
    do {
      try await registrar.initialize(boot, isFile: boot != nil)
      result = .success(try await body(registrar, ledgers))
    } catch { result = .failure(error) }
    await registrar.halt()
    await ledgers.close()
    return try result.get()
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: "\(path)/\(name)", withIntermediateDirectories: true)
  }

  /// Names in a folder; none if there is no such folder.
  func names(_ folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()) ?? []
  }
}

enum JoinFixture {
  static let channelID = "raftchannel"

  /// The fixture channel's genesis block, or one that differs in what `change` does.
  ///
  /// - Parameter base: The name of another recorded block to begin with.
  static func genesis(
    named name: String = channelID, of base: String = "app-raft-v20",
    _ change: (inout Common_ConfigGroup) throws -> Void = { _ in }
  ) throws -> Block {
    try RegistrarTests.genesis(base).edited(channelID: name, change)
  }

  /// A config block that comes later in the chain.
  static func laterBlock(_ number: UInt64) throws -> Block {
    var block = try genesis()
    block.header.number = number
    block.header.previousHash = SHA256Digest.hash([1])
    return block
  }

  static func join(_ block: Block) throws -> JoinBlock { try JoinBlock(block.serialized()) }
}
