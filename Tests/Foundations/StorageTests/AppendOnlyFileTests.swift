// Appending: all or nothing, and never over what is there.

import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct AppendOnlyFileTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = "\(folder.path)/file"
  }

  @Test func bytesFollowEachOther() throws {
    var end = AppendOnlyFile(try File(path, .creating), size: 0)
    try end.append([1, 2, 3])
    try end.append([])
    try end.append([4])
    #expect(end.size == 4)
    #expect(try BoundedFile.read(path, limit: 100) == [1, 2, 3, 4])
  }

  @Test func whatSomebodyElseWroteIsNeverWrittenOver() throws {
    try DurableFile.create(path, with: [9, 9, 9])
    for size in [0, 2, 4] as [Int64] {
      var end = AppendOnlyFile(try File(path, .updating), size: size)
      #expect(throws: AppendOnlyFile.Failure.foreign(expected: size, actual: 3)) {
        try end.append([1])
      }
      #expect(end.size == size)
    }
    #expect(try BoundedFile.read(path, limit: 100) == [9, 9, 9])
  }

  @Test func aWriteThatCannotBeTakenBackLeavesDoubt() throws {
    // A device that is always full and cannot be cut.
    var end = AppendOnlyFile(try File("/dev/full", .updating), size: 0)
    #expect(
      throws: AppendOnlyFile.Failure.leftover(
        .noSpace(path: "/dev/full", operation: "write to"),
        takingBack: .io(path: "/dev/full", operation: "truncate", code: EINVAL))
    ) { try end.append([1]) }
    #expect(end.size == 0)
  }

  @Test func aFailedSyncLeavesDoubt() throws {
    // Devices take bytes, but cannot synchronize them.
    var end = AppendOnlyFile(try File("/dev/null", .updating), size: 0)
    let failure = AppendOnlyFile.Failure.unsynchronized(
      .unsynchronized(path: "/dev/null", code: EINVAL))
    #expect(throws: failure) { try end.append([1]) }
    #expect(end.size == 0)
  }
}
