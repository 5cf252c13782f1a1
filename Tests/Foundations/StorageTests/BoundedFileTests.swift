// Whole files, up to a limit and not a byte more.

import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct BoundedFileTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = "\(folder.path)/file"
  }

  private func write(_ count: Int) throws -> [UInt8] {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    try DurableFile.create(path, with: bytes)
    return bytes
  }

  @Test(arguments: [0, 1, 100, 65_536, 65_537, 1_000_000])
  func aFileOfTheLimitIsReadWhole(_ count: Int) throws {
    let bytes = try write(count)
    #expect(try BoundedFile.read(path, limit: count) == bytes)
    #expect(try BoundedFile.read(path, limit: 2_000_000) == bytes)
  }

  @Test(arguments: [1, 100, 65_537])
  func aFileBeyondTheLimitIsAnErrorThatTellsItsSize(_ count: Int) throws {
    _ = try write(count)
    #expect(throws: StorageError.tooLarge(path: path, size: count, limit: count - 1)) {
      try BoundedFile.read(path, limit: count - 1)
    }
  }

  @Test func whatIsNotThereOrAFolderIsTold() {
    let missing = "\(path)-missing"
    #expect(throws: StorageError.io(path: missing, operation: "open", code: ENOENT)) {
      try BoundedFile.read(missing, limit: 10_000)
    }
    #expect(throws: StorageError.io(path: folder.path, operation: "read", code: EISDIR)) {
      try BoundedFile.read(folder.path, limit: 1 << 20)
    }
  }

  @Test func filesThatTheKernelMakesUpHaveNoSizeAndAreReadAllTheSame() throws {
    let status = String(
      decoding: try BoundedFile.read("/proc/self/status", limit: 1 << 20), as: UTF8.self)
    #expect(status.hasPrefix("Name:"))
    #expect(throws: StorageError.self) { try BoundedFile.read("/proc/self/status", limit: 10) }
  }

  @Test func aPipeIsReadToItsEndOrToTheLimit() async throws {
    #expect(mkfifo(path, 0o600) == 0)
    let path = path
    for (count, limit) in [(200_000, 200_000), (200_000, 1_000)] {
      let writer = Thread {
        guard let file = try? FileHandle(forWritingTo: URL(fileURLWithPath: path)) else { return }
        // Fails once the reader has gone.
        try? file.write(contentsOf: Data(repeating: 7, count: count))
        try? file.close()
      }
      signal(SIGPIPE, SIG_IGN)
      writer.start()
      if limit >= count {
        #expect(try BoundedFile.read(path, limit: limit) == [UInt8](repeating: 7, count: count))
      } else {
        #expect(throws: StorageError.tooLarge(path: path, size: limit + 1, limit: limit)) {
          try BoundedFile.read(path, limit: limit)
        }
      }
    }
  }
}
