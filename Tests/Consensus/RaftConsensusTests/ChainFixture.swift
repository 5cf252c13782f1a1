// Chains on folders of their own, which can be stopped, and left as a crash would leave them.

import Concurrency
import FabricProtos
import Foundation
import Logging
import Ordering
import ProcessingFixtures
import TestSupport
import Testing

@testable import RaftConsensus

/// The Raft side of one node: folders for logs and snapshots, a clock, a consenter.
final class ChainFixture: Sendable {
  let folder: String
  let node: Int
  let time: ManualTime
  private let port: any ClusterTransport & BlockSource
  let log = TestLog()
  let consenter: RaftConsenter

  /// - Parameters:
  ///   - folder: An existing one; a new one by default.
  ///   - node: Whose certificate the node has.
  ///   - port: Its way to other nodes.
  ///   - identity: With which it knows its own blocks.
  init(
    folder: String? = nil, node: Int = 1, time: ManualTime = ManualTime(),
    port: any ClusterTransport & BlockSource = NoCluster(), identity: [UInt8]? = nil
  ) throws {
    let folder =
      folder ?? "\(FileManager.default.temporaryDirectory.path)/heddle-raft-\(UUID().uuidString)"
    self.folder = folder
    self.node = node
    self.time = time
    self.port = port
    consenter = RaftConsenter(
      settings: RaftSettings(
        logDirectory: "\(folder)/wal", snapshotDirectory: "\(folder)/snapshot",
        evictionSuspicion: .seconds(20),
        serverCertificate: try serverCertificate(node), identity: identity),
      transport: port, blocks: port, time: time, now: { testTime }, logger: log.logger
    )
  }

  /// Ends everything and removes the folder.
  func remove() async {
    await consenter.close()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Lets time pass while a body runs.
  func whileTimePasses(_ body: () async throws -> Void) async rethrows {
    let time = time
    let clock = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(2))
        time.advance(by: .milliseconds(500))
      }
    }
    defer { clock.cancel() }
    try await body()
  }

  /// A chain that was started on a channel.
  func start(_ channel: TestChannel) throws -> RaftChain {
    let chain = try consenter.makeChain(
      support: channel, newestBlock: channel.block(channel.height - 1))
    guard let chain = chain as? RaftChain else { throw TestChannel.Refused() }
    chain.start()
    return chain
  }

  /// A channel on the same ledger, as a restarted node sees it, and its chain.
  func restart(_ channel: TestChannel) throws -> (TestChannel, RaftChain) {
    let again = try TestChannel(channel.store, time: time)
    return (again, try start(again))
  }

  /// A new folder, in memory where there is such a file system: for logs that are synchronized hundreds of times, or
  /// whose nodes must not wait for a disk.
  static func folderInMemory() throws -> String {
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory)
      ? memory : FileManager.default.temporaryDirectory.path
    let path = "\(parent)/heddle-raft-\(UUID())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// What is where the logs' folder should be is none, so that no log can be opened.
  func putFileInPlaceOfLogs() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data().write(to: URL(filePath: "\(folder)/wal"))
  }

  /// Copies what is in the folders now, as if the node was killed. Its clock is another one then.
  ///
  /// - Parameters:
  ///   - node: Whose certificate it has from then on; as before by default.
  ///   - port: Its way to other nodes; as before by default.
  func crashed(
    node: Int? = nil, port: (any ClusterTransport & BlockSource)? = nil
  ) throws -> ChainFixture {
    let copy = "\(folder)-\(UUID().uuidString)"
    // A file may get its name while the folder is read.
    while (try? FileManager.default.copyItem(atPath: folder, toPath: copy)) == nil {
      try? FileManager.default.removeItem(atPath: copy)
    }
    return try ChainFixture(
      folder: copy, node: node ?? self.node, port: port ?? self.port)
  }
}

extension ChainFixture {
  /// Runs a test with a fixture and a channel of node 1, whose batches have this many messages.
  static func withChannel(
    batch: UInt32 = 1, snapshotInterval: UInt32 = 16 << 20,
    _ body: (ChainFixture, TestChannel) async throws -> Void
  ) async throws {
    let fixture = try ChainFixture()
    let metadata = try raftConfig([1]) { $0.options.snapshotIntervalSize = snapshotInterval }
    let store = try await TestChannel.ledger(metadata) {
      try $0.editBatchSize { $0.maxMessageCount = batch }
    }
    do {
      try await body(fixture, TestChannel(store, time: fixture.time))
    } catch {
      await fixture.remove()
      throw error
    }
    await fixture.remove()
  }

  /// Hands in a message that nobody takes, since there is no leader.
  func expectNoLeader(_ chain: RaftChain) async {
    await #expect(
      throws: ChainError.unavailable(channelID: "raftchannel", reason: "no Raft leader")
    ) { try await chain.submit("1") }
  }
}

extension RaftChain {
  /// Hands in messages with these texts, all of which have to be taken.
  func submit(_ texts: String..., sequence: UInt64 = 0) async throws {
    try await submit(texts, sequence: sequence)
  }

  func submit(_ texts: [String], sequence: UInt64 = 0) async throws {
    try await submit(messages: texts.map { try message(Array($0.utf8), sequence: sequence) })
  }

  func submit(messages: [OrderedMessage]) async throws {
    switch await order(messages) {
    case .all(.taken): break
    case .all(.refused(let error)): throw error
    default: throw TestChannel.Refused()
    }
  }

  /// Hands in a config message, which has to be taken.
  func submit(_ config: OrderedMessage) async throws {
    guard case .taken = await configure(config) else { throw TestChannel.Refused() }
  }
}
