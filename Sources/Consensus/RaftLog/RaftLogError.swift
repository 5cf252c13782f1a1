// What can go wrong with a channel's raft log, worded for the operator who has to act on it.

import Foundation
import RaftCore
import Storage

/// Why the raft log of a channel cannot be opened, written to or read from.
package enum RaftLogError: Error, Equatable, CustomStringConvertible {
  /// A file operation failed. Nothing was written, and ``mayPass`` says whether to try again.
  case storage(StorageError)
  /// A file has bytes at `offset` that are not what was written there, and it is not the end of an
  /// interrupted write.
  case damaged(file: String, offset: Int64, reason: String)
  /// Files are missing, or do not belong together.
  case incomplete(folder: String, reason: String)
  /// There are snapshots but no log: whom this node voted for and what it acknowledged is forgotten.
  case logGone(folder: String, snapshots: String)
  /// Somebody else has the log open.
  case locked(file: String)
  /// What is to be written does not follow what is there.
  case unordered(reason: String)
  /// Entries that are not there: compacted, or not written yet.
  case unavailable(index: LogIndex, first: LogIndex, last: LogIndex)
  /// It is not known what is on the disk. Only opening the log anew helps.
  case halted(reason: String)
  /// The log was closed.
  case closed

  /// Whether the same call may succeed later: it had no effect, and the cause is one that an operator or
  /// time can remove (see `StorageError.mayPass`).
  package var mayPass: Bool {
    if case .storage(let error) = self { error.mayPass } else { false }
  }

  package var description: String {
    switch self {
    case .storage(let error): "\(error)" + remedy(error)
    case .damaged(let file, let offset, let reason):
      "raft log file \(file) is damaged at offset \(offset): \(reason); what this node promised the "
        + "others may be lost, so restore its Consensus.WALDir and Consensus.SnapDir from the disk's "
        + "newest copy, or remove this consenter from the channel and add it again"
    case .incomplete(let folder, let reason):
      "the raft log in \(folder) is not complete: \(reason); bring the missing files back, or remove "
        + "this consenter from the channel and add it again"
    case .logGone(let folder, let snapshots):
      "there is no raft log in \(folder) although there are snapshots in \(snapshots): bring back what "
        + "was in Consensus.WALDir, or remove this consenter from the channel and add it again"
    case .locked(let file):
      "\(file) is in use by another process: stop the other orderer or set Consensus.WALDir to a folder "
        + "of its own"
    case .unordered(let reason): reason
    case .unavailable(let index, let first, let last):
      "entry \(index) is not in the raft log, which has \(first) to \(last)"
    case .halted(let reason):
      "the raft log takes nothing more until it is opened again: \(reason)"
    case .closed: "the raft log is closed"
    }
  }
}

/// Does something that fails only if a file or folder does.
func onDisk<Value>(
  _ operation: @autoclosure () throws(StorageError) -> Value
) throws(RaftLogError) -> Value {
  do { return try operation() } catch { throw .storage(error) }
}

/// What an operator can do about an error, to follow its text; empty if the text says it all.
private func remedy(_ error: StorageError) -> String {
  switch error {
  case .noSpace: ": free disk space or raise the quota of Consensus.WALDir and Consensus.SnapDir"
  case .io(_, _, EIO): "; look at the disk and the kernel's log"
  case .io(_, _, EROFS): "; mount the file system of Consensus.WALDir for writing"
  case .io(_, _, EACCES), .io(_, _, EPERM):
    "; give the orderer's user the right to Consensus.WALDir and Consensus.SnapDir"
  case .io(_, _, EMFILE), .io(_, _, ENFILE):
    "; raise the limit of open files (LimitNOFILE, ulimit -n)"
  case .io, .unsynchronized, .tooLarge: ""
  }
}
