// Many channels in one folder, removal, and keeping others out.

import Foundation
import Storage
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct FolderTests {
  @Test("A folder that is open is refused, and free again after closing")
  func locked() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      #expect(throws: LedgerError.locked(path: folder.path)) {
        _ = try FileLedgerFactory(
          directory: folder.path, signatures: NoSignatures(), logger: silent)
      }
      // Go's orderer uses flock on this file.
      let other = try File("\(folder.path)/index/LOCK", .updating)
      #expect(try !other.lock())
    }
    try await withLedgers(folder.path) { _ in }
  }

  @Test("A folder whose index a Go orderer has locked is refused")
  func lockedByGo() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { _ in }
    let other = try File("\(folder.path)/index/LOCK", .updating)
    #expect(try other.lock())
    #expect(throws: LedgerError.locked(path: "\(folder.path)/index")) {
      _ = try FileLedgerFactory(
        directory: folder.path, signatures: NoSignatures(), logger: silent)
    }
  }

  @Test("A hundred channels share the folder and do not mix")
  func manyChannels() async throws {
    let folder = try TemporaryFolder()
    let names = (0..<100).map { "channel\($0)" }
    try await withLedgers(folder.path) { factory in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, name) in names.enumerated() {
          group.addTask {
            let store = try await factory.openOrCreate(name)
            try await appendBlocks(index % 5 + 1, to: store)
          }
        }
        try await group.waitForAll()
      }
    }
    let log = LogRecorder()
    try await withLedgers(folder.path, log: log.logger) { factory in
      #expect(try factory.channelIDs() == names.sorted())
      for (index, name) in names.enumerated() {
        let store = try await factory.openOrCreate(name)
        #expect(store.height == UInt64(index % 5 + 1))
        try expectValidChain(store)
      }
    }
    #expect(log.messages() == [])
  }

  @Test("A removed channel is gone, with its index, and can be created anew")
  func removal() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let store = try await factory.openOrCreate("one")
      try await appendBlocks(3, to: store)
      try await appendBlocks(2, to: try await factory.openOrCreate("one1"))
      try await factory.remove("one")
      try await factory.remove("never-there")
      #expect(try factory.channelIDs() == ["one1"])
      await #expect(throws: LedgerError.closed(channel: "one")) {
        try await store.append(makeBlock(3, after: store.lastBlockHash))
      }
      let again = try await factory.openOrCreate("one")
      #expect(again.height == 0)
      try await factory.remove("one")
    }
    let keys = try indexContent(folder.path).keys
    #expect(!keys.isEmpty)
    #expect(keys.allSatisfy { $0.starts(with: Array("one1".utf8)) })
  }

  @Test("A removal that was interrupted is known and can be finished")
  func interruptedRemoval() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      try await appendBlocks(3, to: try await factory.openOrCreate("one"))
    }
    let pending = "\(folder.path)/pendingops/remove"
    try FileManager.default.createDirectory(atPath: pending, withIntermediateDirectories: true)
    createFile("\(pending)/one.remove")
    try FileManager.default.removeItem(atPath: "\(folder.path)/chains/one/blockfile_000000")
    try await withLedgers(folder.path) { factory in
      let found = try factory.channelIDs()
      #expect(found == [])
      #expect(try factory.unfinishedRemovals() == ["one"])
      try await factory.remove("one")
      #expect(try factory.unfinishedRemovals() == [])
    }
    #expect(try indexContent(folder.path).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: pending).isEmpty)
  }

  @Test("What others keep of a channel goes before the removal is forgotten")
  func removalOfTheRest() async throws {
    struct Busy: Error {}
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      try await appendBlocks(3, to: try await factory.openOrCreate("one"))
      try await factory.beginRemoval("one")
      #expect(try factory.unfinishedRemovals() == ["one"])
      #expect(try factory.channelIDs() == [])
      await #expect(throws: Busy.self) { try await factory.remove("one") { throw Busy() } }
      #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/chains/one"))
    }
    try await withLedgers(folder.path) { factory in
      #expect(try factory.unfinishedRemovals() == ["one"])
      try await factory.remove("one") {
        #expect(
          FileManager.default.fileExists(atPath: "\(folder.path)/pendingops/remove/one.remove"))
      }
      #expect(try factory.unfinishedRemovals() == [])
    }
  }

  @Test(
    "A name that would leave the folder is refused",
    arguments: [
      "", "..", ".", "a/b", "/etc", "a\0b", ".hidden", String(repeating: "a", count: 250),
    ])
  func badNames(name: String) async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      await #expect(throws: LedgerError.invalidChannelName(name)) {
        _ = try await factory.openOrCreate(name)
      }
      await #expect(throws: LedgerError.invalidChannelName(name)) { try await factory.remove(name) }
    }
  }

  @Test("Files that are not block files are named in the error or ignored")
  func foreignFiles() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      try await appendBlocks(1, to: try await factory.openOrCreate("one"))
    }
    let chain = "\(folder.path)/chains/one"
    createFile("\(chain)/notes.txt")
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/chains/lost+found", withIntermediateDirectories: true)
    try await withLedgers(folder.path) { factory in
      let found = try factory.channelIDs()
      #expect(found == ["one"])
      let height = try await factory.openOrCreate("one").height
      #expect(height == 1)
    }
    createFile("\(chain)/blockfile_000001.bak")
    try await withLedgers(folder.path) { factory in
      await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
    }
    try FileManager.default.removeItem(atPath: "\(chain)/blockfile_000001.bak")
    createFile("\(chain)/bootstrappingSnapshot.info")
    try await withLedgers(folder.path) { factory in
      await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
    }
  }
}
