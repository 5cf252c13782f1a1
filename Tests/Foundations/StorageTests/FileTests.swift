// Files: what is read where, what is written, and who has the lock.

import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct FileTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = "\(folder.path)/file"
    try DurableFile.create(path, with: Array(0..<100))
  }

  @Test func readsEndWithTheFile() throws {
    let file = try File(path, .reading)
    #expect(try file.size() == 100)
    #expect(try file.read(at: 10, count: 3) == [10, 11, 12])
    #expect(try file.read(at: 98, count: 10) == [98, 99])
    #expect(try file.read(at: 100, count: 10) == [])
  }

  @Test func readingIntoMemoryKeepsWhatIsBefore() throws {
    let file = try File(path, .reading)
    var memory: [UInt8] = [200, 201]
    #expect(try file.read(at: 5, count: 3, into: &memory, position: 1) == 3)
    #expect(memory == [200, 5, 6, 7])
    #expect(try file.read(at: 99, count: 3, into: &memory, position: 0) == 1)
    #expect(memory == [99, 5, 6, 7])
  }

  @Test func writtenAndCutBytesAreSeen() throws {
    let file = try File(path, .updating)
    try file.write([1, 2], at: 99)
    try file.synchronizeData()
    #expect(try file.read(at: 98, count: 9) == [98, 1, 2])
    try file.truncate(to: 3)
    #expect(try file.size() == 3)
    #expect(try File(path, .replacing).size() == 0)
  }

  @Test func openingAFileThatIsNotThereIsRefusedUnlessItIsToBeMade() throws {
    let other = "\(folder.path)/other"
    #expect(throws: StorageError.io(path: other, operation: "open", code: ENOENT)) {
      _ = try File(other, .updating)
    }
    #expect(try File(other, .creating).size() == 0)
    #expect(throws: StorageError.io(path: other, operation: "open", code: ENOTDIR)) {
      _ = try File(other, .folder)
    }
  }

  @Test func aRecordLockHasOneOwnerEvenWithinAProcess() throws {
    var first: File? = try File(path, .creating, mode: 0o600)
    let second = try File(path, .updating)
    #expect(try first?.lockRecords() == true)
    #expect(try second.lockRecords() == false)
    #expect(try first?.lockRecords() == true)
    // It is another lock than that of flock(2).
    #expect(try second.lock() == true)
    first = nil
    #expect(try second.lockRecords() == true)
    #expect(throws: StorageError.self) { try File(path, .reading).lockRecords() }
  }

  @Test func oneHasTheLockUntilItsFileIsClosed() throws {
    var first: File? = try File(path, .updating)
    let second = try File(path, .updating)
    #expect(try first?.lock() == true)
    #expect(try second.lock() == false)
    first = nil
    #expect(try second.lock() == true)
  }

  /// As a child process has it while it is being started.
  @Test func aCopyOfTheDescriptorDoesNotKeepTheLocks() throws {
    var first: File? = try File(path, .updating)
    #expect(try first?.lock() == true)
    #expect(try first?.lockRecords() == true)
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    let real = URL(filePath: path).resolvingSymlinksInPath().path
    let own = descriptors.compactMap { Int32($0) }.filter {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == real
    }
    let copy = dup(try #require(own.first))
    defer { close(copy) }
    #expect(own.count == 1 && copy >= 0)
    first = nil
    let second = try File(path, .updating)
    #expect(try second.lock() == true)
    #expect(try second.lockRecords() == true)
  }
}
