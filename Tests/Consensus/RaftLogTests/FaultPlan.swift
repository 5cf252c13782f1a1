// Files that fail when they are told to, or whose process is killed.

import Foundation
import Storage
import Synchronization

@testable import RaftLog

/// Watches what is done to segments' files, and lets it fail.
final class FaultPlan: Sendable {
  enum Fault {
    /// The operation with this number, from 0 on, fails; of a write, some of the bytes are there.
    case fails(at: Int, StorageError)
    /// So do this one and all behind it: the process is killed.
    case killed(at: Int)
  }

  private struct State {
    var operations: [String] = []
    var fault: Fault?
  }

  private let state = Mutex(State())

  /// What was done since the last ``forget()``, but for reading.
  var operations: [String] { state.withLock { $0.operations } }

  func forget() { state.withLock { $0.operations = [] } }

  /// Lets something fail, counted from now on.
  func set(_ fault: Fault?) {
    state.withLock { state in
      state.operations = []
      state.fault = fault
    }
  }

  var open: OpenLogFile {
    { path, use throws(StorageError) in FaultyFile(try openLogFile(path, use), self) }
  }

  /// Notes an operation.
  ///
  /// - Returns: how it fails, if it does, and whether it has a part of its effect.
  fileprivate func note(
    _ operation: String, _ path: String
  ) -> (error: StorageError, inPart: Bool)? {
    state.withLock { state in
      let number = state.operations.count
      state.operations.append(operation)
      switch state.fault {
      case .fails(at: number, let error): return (error, true)
      case .killed(let first) where number >= first:
        return (.io(path: path, operation: "killed", code: EINTR), number == first)
      default: return nil
      }
    }
  }
}

private final class FaultyFile: LogFile {
  private let file: any LogFile
  private let plan: FaultPlan

  init(_ file: any LogFile, _ plan: FaultPlan) {
    self.file = file
    self.plan = plan
  }

  var path: String { file.path }

  func size() throws(StorageError) -> Int64 { try file.size() }

  func read(at offset: Int64, count: Int) throws(StorageError) -> [UInt8] {
    try file.read(at: offset, count: count)
  }

  func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(StorageError) {
    if let fault = plan.note("write", path) {
      // A system call writes its bytes in order, but for a few all at once.
      if fault.inPart, bytes.count > FrameHead.size {
        try file.write(bytes.prefix(bytes.count / 2), at: offset)
      }
      throw fault.error
    }
    try file.write(bytes, at: offset)
  }

  func truncate(to size: Int64) throws(StorageError) {
    if let fault = plan.note("truncate", path) { throw fault.error }
    try file.truncate(to: size)
  }

  func synchronizeData() throws(StorageError) {
    if let fault = plan.note("synchronize", path) { throw fault.error }
    try file.synchronizeData()
  }

  func lockRecords() throws(StorageError) -> Bool { try file.lockRecords() }
}
