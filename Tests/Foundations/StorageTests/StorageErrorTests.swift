// Errors of files and folders: which may pass, and what they say.

import Foundation
import Testing

@testable import Storage

@Suite struct StorageErrorTests {
  @Test func aFullDiskIsToldApartFromOtherFailures() throws {
    let file = try File("/dev/full", .updating)
    #expect(throws: StorageError.noSpace(path: "/dev/full", operation: "write to")) {
      try file.write([1], at: 0)
    }
    #expect(
      StorageError.system("/x", "create", EDQUOT) == .noSpace(path: "/x", operation: "create"))
    #expect(
      StorageError.system("/x", "create", EIO) == .io(path: "/x", operation: "create", code: EIO))
  }

  @Test func onlyWhatHadNoEffectMayPass() {
    #expect(StorageError.noSpace(path: "/x", operation: "write to").mayPass)
    #expect(StorageError.io(path: "/x", operation: "open", code: EROFS).mayPass)
    #expect(!StorageError.unsynchronized(path: "/x", code: EIO).mayPass)
    #expect(!StorageError.tooLarge(path: "/x", size: 2, limit: 1).mayPass)
  }

  @Test func textsNameTheFileAndTheCause() {
    #expect(
      "\(StorageError.io(path: "/x", operation: "open", code: ENOENT))"
        == "could not open /x: No such file or directory (errno 2)")
    #expect(
      StorageError.io(path: "/x", operation: "open", code: ENOENT).reason
        == "No such file or directory")
    #expect(
      "\(StorageError.noSpace(path: "/x", operation: "write to"))" == "no space left to write to /x"
    )
    #expect(
      "\(StorageError.tooLarge(path: "/x", size: 2, limit: 1))" == "/x is larger than 1 bytes")
  }
}
