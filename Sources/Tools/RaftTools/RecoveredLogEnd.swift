// What of a channel's log a recovery can take over.

import Blocks
import FabricCrypto
import FabricProtos
import RaftCore
import RaftLog
import RaftWire

/// The part of a log behind the newest block of the ledger, and where a new log can begin.
struct RecoveredLogEnd {
  /// Where the entry of the ledger's newest block is; nil if the log does not tell.
  private(set) var position: LogPosition?
  /// Where the new log begins: there, unless the log does not tell, or has a snapshot of that name already.
  private(set) var start = LogPosition(term: 0, index: 0)
  /// Behind ``start``, without a gap.
  private(set) var entries: [Entry] = []
  /// As far as the log says.
  private(set) var commit: LogIndex = 0
  /// Above all terms that this node has been in.
  private(set) var nextTerm: Term = 1
  /// Why nothing is taken from the log; nil if it is.
  private(set) var unused: String?

  init(
    _ location: RaftStorage.Location, _ tip: RecoveredTip, _ choice: RaftRecovery.Choice
  ) throws {
    let stored = StoredLog(location)
    let marks = try stored.snapshots().map(\.mark)
    var lastIndex = marks.map(\.index).max() ?? 0
    var term = marks.map(\.term).max() ?? 0
    var known: [Entry] = []
    do {
      if choice.discardsLog { throw RaftToolsError("it is discarded as asked for") }
      guard let verdict = try stored.verdict() else {
        throw RaftToolsError("there is no log in \(location.logFolder)")
      }
      (lastIndex, term) = (max(lastIndex, verdict.lastIndex), max(term, verdict.hardState.term))
      commit = verdict.hardState.commit
      known = try Self.entries(stored, verdict)
      position = try Self.position(of: tip, known, verdict.snapshot, location)
      if position == nil { unused = "it ends before the newest block of the ledger" }
    } catch {
      let isThere = (try? RaftStorage.exists(location)) ?? true
      guard choice.discardsLog || !isThere else {
        throw RaftToolsError(
          """
          \(error). With --discard-log the channel goes on from the ledger alone: blocks are lost then that only the \
          log has
          """)
      }
      unused = "\(error)"
      // Nothing that was there may be taken for newer than what is made now.
      for record in (try? Self.marks(stored)) ?? [] {
        (lastIndex, term) = (max(lastIndex, record.index), max(term, record.term))
      }
    }
    nextTerm = term + 1
    guard let position else {
      commit = 0
      start = LogPosition(term: nextTerm, index: max(lastIndex, tip.raftIndex) + 1)
      return
    }
    start = position
    entries = known.filter { $0.index > position.index }
    // A snapshot's file must not change under the log that names it.
    if marks.contains(SnapshotMark(index: position.index, term: position.term)),
      choice.voters.count < 2
    {
      start.term = nextTerm
      for index in entries.indices { entries[index].term = nextTerm }
    }
  }

  private static func entries(
    _ stored: StoredLog, _ verdict: StoredLog.Verdict
  ) throws -> [Entry] {
    var scan = LogScan(keepsRecords: false)
    _ = try stored.walk { try scan.take($1, in: $0) }
    return scan.entries(from: verdict.firstIndex).filter { $0.index <= verdict.lastIndex }
  }

  /// The places that entries and snapshots had in a log that cannot be used, as far as it can be read.
  private static func marks(_ stored: StoredLog) throws -> [SnapshotMark] {
    var marks: [SnapshotMark] = []
    _ = try stored.walk { _, record in
      switch record.record.kind {
      case .entry:
        let entry = try Entry(wire: record.record.data)
        marks.append(SnapshotMark(index: entry.index, term: entry.term))
      case .snapshot: marks.append(try SnapshotRecord(wire: record.record.data).mark)
      case .hardState:
        marks.append(SnapshotMark(index: 0, term: try HardState(wire: record.record.data).term))
      case .metadata, .checksum, nil: break
      }
    }
    return marks
  }

  /// Where the newest block of the ledger is in the log.
  ///
  /// - Returns: nil if the log ends before.
  /// - Throws: ``RaftToolsError`` if the log has another block, or begins behind it.
  private static func position(
    of tip: RecoveredTip, _ entries: [Entry], _ snapshot: Snapshot?,
    _ location: RaftStorage.Location
  ) throws -> LogPosition? {
    let number = tip.block.header.number
    if number == 0, entries.first?.index == 1 {
      // The changes that found a group are in force from the start.
      let founders = entries.prefix { $0.kind != .normal }
      if let last = founders.last { return LogPosition(term: last.term, index: last.index) }
    }
    var first: UInt64?
    for entry in entries where entry.kind == .normal && !entry.data.isEmpty {
      let header = try Self.header(entry)
      first = first ?? header.number
      guard header.number == number else { continue }
      try compare(header, tip, "entry \(entry.index) of the Raft log")
      return LogPosition(term: entry.term, index: entry.index)
    }
    if let snapshot {
      let header = try Self.header(Entry(index: snapshot.index, data: snapshot.data))
      first = first ?? header.number
      if header.number == number {
        try compare(header, tip, "the snapshot at index \(snapshot.index)")
        return LogPosition(term: snapshot.term, index: snapshot.index)
      }
      if header.number > number { first = min(first ?? header.number, header.number) }
    }
    guard let first, first > number else { return nil }
    throw RaftToolsError(
      """
      the ledger of channel \(tip.channelID) ends with block \(number), and the log in \(location.logFolder) begins \
      with block \(first): the ledger is older than the log. Restore a newer ledger, or recover on a node that has one
      """)
  }

  private static func header(_ entry: Entry) throws -> BlockHeader {
    guard let block = try? Block(serialized: Array(entry.data)) else {
      throw RaftToolsError("entry \(entry.index) of the Raft log holds no block")
    }
    return block.header
  }

  private static func compare(
    _ header: BlockHeader, _ tip: RecoveredTip, _ place: String
  ) throws {
    let hash = ChainEnd(after: header).lastHash
    guard hash == tip.hash else {
      throw RaftToolsError(
        """
        block \(header.number) of channel \(tip.channelID) has the hash \(hexadecimal(tip.hash)) in the ledger and \
        \(hexadecimal(hash)) in \(place): they do not belong together
        """)
    }
  }
}
