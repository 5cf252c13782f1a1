// What a crash leaves in a raft log that has to be put right when the log is opened.

import RaftCore
import RaftWire

/// Something that is not as it should be, but can be put right without forgetting anything that this node
/// may have promised.
package enum LogRepair: Equatable, Sendable, CustomStringConvertible {
  /// A write was interrupted before its first 8 bytes were there. No orderer minds.
  case interruptedWrite(file: String, offset: Int64)
  /// A write is there in part.
  case tornTail(file: String, offset: Int64, reason: String)
  /// A snapshot's file is not readable.
  case damagedSnapshot(file: String, reason: String)
  /// The log does not name a snapshot, since it was being made.
  case unnamedSnapshot(file: String)
  /// What is said to be committed is not there, since a snapshot was being received.
  case commitBeyondEnd(LogIndex, last: LogIndex)
  /// What the snapshot stands for is not said to be committed.
  case commitBelowSnapshot(LogIndex, snapshot: LogIndex)

  /// Whether every release of Go's orderer puts it right by itself.
  package var isHarmless: Bool {
    switch self {
    case .interruptedWrite, .damagedSnapshot: true
    case .tornTail, .unnamedSnapshot, .commitBeyondEnd, .commitBelowSnapshot: false
    }
  }

  /// What is there.
  package var description: String {
    switch self {
    case .interruptedWrite(let file, let offset):
      "\(file) has the rest of an interrupted write at offset \(offset)"
    case .tornTail(let file, let offset, let reason):
      "\(file) ends at offset \(offset) with an interrupted write: \(reason)"
    case .damagedSnapshot(let file, let reason): "snapshot \(file) is damaged: \(reason)"
    case .unnamedSnapshot(let file): "snapshot \(file) is not known to the log"
    case .commitBeyondEnd(let commit, let last):
      "entry \(commit) is said to be committed, but the last one is \(last), since a snapshot was being "
        + "received"
    case .commitBelowSnapshot(let commit, let snapshot):
      "entry \(commit) is said to be the last that is committed, but the snapshot is at \(snapshot)"
    }
  }

  /// What is done about it when the log is opened for writing.
  package var remedy: String {
    switch self {
    case .interruptedWrite: "it is replaced by zeros"
    case .tornTail: "it is cut off, and a copy of the file kept with the ending .broken"
    case .damagedSnapshot, .unnamedSnapshot:
      "it gets the ending .broken, and the one before it is used"
    case .commitBeyondEnd(_, let last): "the commit index is set to \(last)"
    case .commitBelowSnapshot(_, let snapshot): "the commit index is set to \(snapshot)"
    }
  }
}
