// Folders, and files that exist as a whole or not at all.

import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct FolderTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path }

  init() throws { folder = try TemporaryFolder() }

  private func content(_ name: String) throws -> [UInt8] {
    try BoundedFile.read("\(path)/\(name)", limit: 1 << 20)
  }

  @Test func namesAreSortedAndOfOneKindAndLinksOfNone() throws {
    for name in ["b", "a"] { try DurableFile.touch("\(path)/\(name)") }
    try Folder.create("\(path)/d/e")
    symlink("\(path)/a", "\(path)/link")
    symlink("\(path)/d", "\(path)/link2")
    #expect(try Folder.names(path, kind: .file) == ["a", "b"])
    #expect(try Folder.names(path, kind: .folder) == ["d"])
    #expect(throws: StorageError.io(path: "\(path)/x", operation: "list", code: ENOENT)) {
      try Folder.names("\(path)/x", kind: .file)
    }
  }

  @Test func existenceLooksBehindLinks() throws {
    try DurableFile.touch("\(path)/a")
    symlink("\(path)/a", "\(path)/link")
    symlink("\(path)/nowhere", "\(path)/dangling")
    #expect(Folder.exists("\(path)/a", kind: .file))
    #expect(!Folder.exists("\(path)/a", kind: .folder))
    #expect(Folder.exists("\(path)/link", kind: .file))
    #expect(!Folder.exists("\(path)/dangling"))
    #expect(Folder.exists(path, kind: .folder))
  }

  @Test func creatingAFolderThatIsAFileIsRefused() throws {
    try DurableFile.touch("\(path)/a")
    #expect(throws: StorageError.io(path: "\(path)/a", operation: "create", code: ENOTDIR)) {
      try Folder.create("\(path)/a")
    }
    try Folder.create("\(path)/d")
    try Folder.create("\(path)/d")
  }

  @Test func removingTakesEverythingAndWhatIsNotThereIsNoError() throws {
    try Folder.create("\(path)/d/e")
    try DurableFile.create("\(path)/d/e/f", with: [1])
    try Folder.remove("\(path)/d")
    #expect(!Folder.exists("\(path)/d"))
    try Folder.remove("\(path)/d")
  }

  @Test func aFileIsReplacedAsAWhole() throws {
    try DurableFile.create("\(path)/a", with: [1, 2, 3])
    try DurableFile.create("\(path)/new", with: Array(repeating: 9, count: 100))
    try DurableFile.replace("\(path)/a", with: [4, 5], through: "\(path)/new")
    #expect(try content("a") == [4, 5])
    #expect(try Folder.names(path, kind: .file) == ["a"])
    try DurableFile.touch("\(path)/a")
    #expect(try content("a") == [4, 5])
  }

  @Test func parents() {
    #expect(Folder.parent(of: "/a/b") == "/a")
    #expect(Folder.parent(of: "/a") == "/")
    #expect(Folder.parent(of: "a") == ".")
  }
}
