// Checks a channel's raft log and snapshots without changing them, and puts right what a crash left.

import Logging
import RaftCore
import RaftLog
import RaftWire

/// The result of verifying a channel's raft log.
package struct RaftVerification: Sendable, Encodable {
  package let channel: String
  package let segments: Int
  package let records: Int
  package let bytes: Int64
  package let snapshots: Int
  package let lastIndex: LogIndex
  package let term: Term
  package let commit: LogIndex
  /// What is lost or wrong: no node starts with it, or it stops there.
  package private(set) var problems: [String]
  /// What Go's orderers of 2.x and 3.x do not put right by themselves; `orderer raft repair` does.
  package let needsRepair: [String]
  /// What every orderer puts right when it starts.
  package let harmless: [String]

  /// Whether every orderer can be started on it.
  package var isSound: Bool { problems.isEmpty && needsRepair.isEmpty }

  /// Problems with entries that are told one by one.
  private static let maximumProblems = 20

  /// Reads everything. Nothing is locked, so a node may be running.
  package init(_ location: RaftStorage.Location) throws {
    let stored = StoredLog(location)
    var problems: [String] = []
    var verdict: StoredLog.Verdict?
    do { verdict = try stored.verdict() } catch { problems.append("\(error)") }
    var faults = 0
    let infos = try stored.walk { segment, record in
      guard record.record.kind == .entry,
        let fault = EntryDescription(try Entry(wire: record.record.data)).error
      else { return }
      faults += 1
      guard faults <= Self.maximumProblems else { return }
      let index = try Entry(wire: record.record.data).index
      problems.append("\(segment) at offset \(record.offset): entry \(index): \(fault)")
    }
    if faults > Self.maximumProblems {
      problems.append("and \(faults - Self.maximumProblems) entries more")
    }
    channel = location.channelID
    segments = infos.count
    records = infos.reduce(0) { $0 + $1.records }
    bytes = infos.reduce(0) { $0 + $1.end }
    snapshots = try stored.snapshots().count
    lastIndex = verdict?.lastIndex ?? 0
    term = verdict?.hardState.term ?? 0
    commit = verdict?.hardState.commit ?? 0
    let repairs = verdict?.repairs ?? []
    needsRepair = repairs.filter { !$0.isHarmless }.map { "\($0)" }
    harmless = repairs.filter(\.isHarmless).map { "\($0)" }
    self.problems = problems
  }
}

/// The result of repairing a channel's raft log.
package struct RaftRepair: Sendable, Encodable {
  package let channel: String
  /// What was put right; nothing if nothing had to be.
  package let repairs: [String]

  /// Puts right what a node that starts would put right, so that Go's orderers start on the folder. If nothing
  /// has to be, nothing is changed.
  ///
  /// - Throws: `RaftLogError` if something is lost that cannot be put right, or if a node is running.
  package init(_ location: RaftStorage.Location) throws {
    channel = location.channelID
    guard let verdict = try StoredLog(location).verdict() else {
      throw RaftToolsError("there is no raft log in \(location.logFolder)")
    }
    guard !verdict.repairs.isEmpty else {
      repairs = []
      return
    }
    let storage = try RaftStorage(
      location, logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
    repairs = storage.found.repairs.map { "\($0); \($0.remedy)" }
    // Writes the hard state as it has to be.
    try storage.close()
  }
}
