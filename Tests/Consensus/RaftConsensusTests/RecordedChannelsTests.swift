// Channels that Go's orderers recorded: this one would have written the same blocks, and goes on where they stopped.
//
// HEDDLE_RAFT_VECTORS names the folder with the recordings; without it, nothing is tested here.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Logging
import Ordering
import ProcessingFixtures
import RaftCore
import TestSupport
import Testing

@testable import RaftConsensus

@Suite(
  .heavy, .serialized,
  .enabled(if: ProcessInfo.processInfo.environment["HEDDLE_RAFT_VECTORS"] != nil))
struct RecordedChannelsTests {
  /// Archives, with the nodes whose ledgers are whole.
  static let archives = [
    "raft-single-v2.5.16", "raft-single-v2.5.16-killed", "raft-single-v3.1.5",
    "raft-single-v3.1.5-killed", "raft-group-v2.5.16-behind", "raft-group-v3.1.5-behind",
    "raft-group-v2.5.16-killed", "raft-gap-v2.5.16", "raft-segments-v2.5.16",
    "raft-system-v1.4.12", "raft-migrated-from-kafka-v2.5.16",
  ]

  /// Unpacks an archive into a folder of its own, which the caller removes.
  private func unpack(_ archive: String) throws -> String {
    let vectors = try #require(ProcessInfo.processInfo.environment["HEDDLE_RAFT_VECTORS"])
    let target = "\(FileManager.default.temporaryDirectory.path)/heddle-raft-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
    process.arguments = ["xzf", "\(vectors)/\(archive).tar.gz", "-C", target]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return target
  }

  private func ledgers(_ folder: String) throws -> FileLedgerFactory {
    try FileLedgerFactory(
      directory: folder, signatures: CutSignatures(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test(arguments: archives)
  func theMetadataOfEveryBlockAreWhatThisOrdererWrites(_ archive: String) async throws {
    let folder = try unpack(archive)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var compared = 0
    for node in try FileManager.default.contentsOfDirectory(atPath: folder)
    where FileManager.default.fileExists(atPath: "\(folder)/\(node)/ledger") {
      let factory = try ledgers("\(folder)/\(node)/ledger")
      for name in try factory.channelIDs() {
        let store = try await factory.openOrCreate(name)
        compared += try compare(store)
      }
      await factory.close()
    }
    #expect(compared > 0)
  }

  /// Makes the metadata of all Raft blocks anew, from nothing but header, data and index of the entries.
  private func compare(_ store: any BlockStore) throws -> Int {
    var applier: EntryApplier?
    var bundle: ConfigBundle?
    var compared = 0
    for number in 0..<store.height {
      let block = try store.block(number)
      if let started = applier, let bundle, bundle.orderer?.consensusType == RaftConfig.type {
        var ours = started
        let recorded = block.consenterMetadata()
        // A block that moves the channel to another consensus has none.
        let index =
          recorded.isEmpty ? 0 : try RaftBlockMetadata(serialized: recorded).raftIndex
        let entry = Entry(
          term: 1, index: max(index, started.raftIndex + 1),
          data: EntryBlock.serialized(
            try AssembledBlock(verifying: block.header, data: block.data))[...])
        var entries = [entry][...]
        let step = try ours.next(&entries, made: { _ in nil })?.step
        let made: MadeBlock?
        switch step {
        case .write(let blocks, _, _): made = blocks.first
        case .writeConfig(let block, _, _): made = block
        default: made = nil
        }
        #expect(made?.assembled.header == block.header)
        if !recorded.isEmpty {
          #expect(made?.consenterMetadata == block.sealedConsenterMetadata(), "block \(number)")
          compared += 1
        }
        applier = ours
      }
      guard let entry = block.configEnvelope else { continue }
      let config = try Common_ConfigEnvelope(serializedBytes: Array(entry.data)).config
      let next = try ConfigBundle(channelID: store.channelID, config: config)
      if next.orderer?.consensusType == RaftConfig.type,
        bundle?.orderer?.consensusType != RaftConfig.type
      {
        let raft = try RaftConfig(serialized: try #require(next.orderer).consensusMetadata)
        applier = EntryApplier(
          channelID: store.channelID, end: ChainEnd(after: block.header),
          consenters: try ConsenterSet(
            raft.consenters, metadata: RaftBlockMetadata(consenterCount: raft.consenters.count)),
          raftIndex: 0)
      }
      bundle = next
    }
    return compared
  }

  @Test(arguments: archives.prefix(4))
  func aFolderOfOneGoNodeIsGoneOnWith(_ archive: String) async throws {
    let folder = try unpack(archive)
    let files = "\(folder)/node1/etcdraft"
    let factory = try ledgers("\(folder)/node1/ledger")
    let store = try await factory.openOrCreate("vector-raft")
    let before = store.height
    let fixture = try ChainFixture(folder: files)
    var channel = try TestChannel(store, time: fixture.time)
    let sequence = channel.bundle.sequence
    var chain = try fixture.start(channel)
    for round in 0..<3 {
      try await chain.waitReady()
      for number in 0..<10 { try await chain.submit("\(round)-\(number)", sequence: sequence) }
      await chain.halt()
      #expect(channel.now.failure == nil)
      (channel, chain) = try fixture.restart(channel)
    }
    try await chain.waitReady()
    await chain.halt()
    // The killed ones had blocks in their logs that their ledgers lacked.
    #expect(store.height >= before + 3)
    var end = ChainEnd(after: try store.block(0).header)
    for number in 1..<store.height {
      let block = try SealedBlock(verifying: store.block(number))
      try end.advance(over: block.header, hash: block.hash, channelID: "vector-raft")
    }
    #expect(try compare(store) == Int(store.height) - 1)
    await factory.close()
    await fixture.remove()
    try? FileManager.default.removeItem(atPath: folder)
  }
}
