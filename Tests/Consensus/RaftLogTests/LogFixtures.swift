// Folders, logs and entries for the tests of the raft log.

import Foundation
import Logging
import RaftCore
import RaftWire
import Storage
import TestSupport

@testable import RaftLog

/// A folder of its own for one test, in memory if that can be, removed with the object.
final class MemoryFolder: Sendable {
  let path: String
  var url: URL { URL(filePath: path) }

  init() throws {
    // In memory where there is such a file system: these tests synchronize thousands of times.
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory)
      ? memory : FileManager.default.temporaryDirectory.path
    path = "\(parent)/raftlog-\(UUID())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Where a channel has its files, in two folders or in one.
  func location(inOne: Bool = false) -> RaftStorage.Location {
    RaftStorage.Location(
      channelID: "channel", logFolder: "\(path)/wal",
      snapshotFolder: inOne ? "\(path)/wal" : "\(path)/snap")
  }

  var walFolder: String { "\(path)/wal" }
  var snapFolder: String { "\(path)/snap" }
}

let noLogger = Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() })

extension RaftStorage {
  static func open(
    _ location: Location, limits: Limits = Limits(), openFile: @escaping OpenLogFile = openLogFile
  ) throws(RaftLogError) -> RaftStorage {
    try RaftStorage(location, limits: limits, logger: noLogger, openFile: openFile)
  }

  /// All entries that can be read, read from the disk.
  func allEntries() throws -> [Entry] {
    view.withLock { $0.recent.removeAll() }
    return try entries(from: firstIndex, to: lastIndex + 1, maximumBytes: .max)
  }
}

extension RaftStorage.Limits {
  /// Small segments, and nothing in memory.
  static func small(_ segmentSize: Int64, recentBytes: Int = 0) -> RaftStorage.Limits {
    var limits = RaftStorage.Limits()
    limits.segmentSize = segmentSize
    limits.recentBytes = recentBytes
    return limits
  }
}

/// An entry whose data tell what it is.
func entry(_ index: LogIndex, term: Term = 1, size: Int = 40) -> Entry {
  let text = Array("entry \(index) of term \(term) ".utf8)
  let data = (0..<size).map { text[$0 % text.count] }
  return Entry(term: term, index: index, data: data[...])
}

func entries(_ range: ClosedRange<LogIndex>, term: Term = 1, size: Int = 40) -> [Entry] {
  range.map { entry($0, term: term, size: size) }
}

func snapshot(_ index: LogIndex, term: Term = 1, size: Int = 100) -> Snapshot {
  Snapshot(
    index: index, term: term, members: MembershipState(voters: [1, 2, 3]),
    data: [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: size)[...])
}

func state(_ term: Term = 1, vote: NodeID = 1, commit: LogIndex = 0) -> HardState {
  HardState(term: term, vote: vote, commit: commit)
}

func files(_ folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

func content(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

func write(_ bytes: [UInt8], to path: String) throws {
  try Data(bytes).write(to: URL(filePath: path))
}
