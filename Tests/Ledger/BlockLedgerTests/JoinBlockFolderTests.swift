// Join blocks on disk.

import Foundation
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct JoinBlockFolderTests {
  private static func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  @Test func aJoinBlockStaysUntilItIsForgotten() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let joins = try #require(factory.joins)
      #expect(try joins.channelIDs() == [])
      try await joins.save("two", [2])
      try await joins.save("one", [1, 1])
      try await joins.save("one", [1])
      #expect(try Self.mode("\(joins.path)/one.join") == 0o600)
    }
    try await withLedgers(folder.path) { factory in
      let joins = try #require(factory.joins)
      #expect(joins.path == "\(folder.path)/pendingops/join")
      #expect(try joins.channelIDs() == ["one", "two"])
      #expect(try await joins.read("one") == [1])
      #expect(try await joins.read("three") == nil)
      try await joins.remove("one")
      try await joins.remove("three")
      #expect(try joins.channelIDs() == ["two"])
    }
  }

  @Test func whatWasNotWrittenToItsEndIsDeleted() async throws {
    let folder = try TemporaryFolder()
    let joins = "\(folder.path)/pendingops/join"
    try FileManager.default.createDirectory(atPath: joins, withIntermediateDirectories: true)
    for name in ["one.join~", "two.join", "UPPER.txt"] { createFile("\(joins)/\(name)") }
    try await withLedgers(folder.path) { factory in
      let joins = try #require(factory.joins)
      #expect(try joins.channelIDs() == ["two"])
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: joins)
    #expect(names.sorted() == ["UPPER.txt", "two.join"])
  }

  @Test func aNameThatWouldLeaveTheFolderIsRefused() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let joins = try #require(factory.joins)
      await #expect(throws: LedgerError.invalidChannelName("../a")) {
        try await joins.save("../a", [])
      }
      await #expect(throws: LedgerError.invalidChannelName("a/b")) { try await joins.remove("a/b") }
    }
  }

  @Test func aRemovedChannelIsNoLongerJoined() async throws {
    let folder = try TemporaryFolder()
    try await withLedgers(folder.path) { factory in
      let joins = try #require(factory.joins)
      try await joins.save("one", [1])
      try await factory.remove("one")
      #expect(try joins.channelIDs() == [])
    }
  }
}
