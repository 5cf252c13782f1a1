// The results of the raft tools as text for a terminal.

/// Lines for people. Scripts should ask for JSON.
package enum RaftText {
  /// The channels as a table.
  package static func table(_ reports: [RaftVerification]) -> String {
    guard !reports.isEmpty else { return "There are no raft logs." }
    return Self.columns(
      [["CHANNEL", "LAST INDEX", "TERM", "COMMIT", "SEGMENTS", "SNAPSHOTS", "STATE"]]
        + reports.map { report in
          [
            report.channel, "\(report.lastIndex)", "\(report.term)", "\(report.commit)",
            "\(report.segments)", "\(report.snapshots)", state(report),
          ]
        })
  }

  private static func state(_ report: RaftVerification) -> String {
    if !report.problems.isEmpty { return "damaged" }
    return report.needsRepair.isEmpty ? "sound" : "needs repair"
  }

  package static func report(_ report: RaftVerification) -> String {
    let counts =
      "\(report.records) records in \(report.segments) segments, \(report.bytes) bytes, "
      + "\(report.snapshots) snapshots, last entry \(report.lastIndex), term \(report.term), "
      + "commit \(report.commit)"
    var lines = ["\(report.channel): \(verdict(report)): \(counts)"]
    lines += report.problems.map { "  \($0)" }
    lines += report.needsRepair.map {
      "  \($0); Go's orderers 2.x and 3.x may refuse it, `orderer raft repair \(report.channel)` helps"
    }
    lines += report.harmless.map { "  \($0); every orderer puts it right when it starts" }
    return lines.joined(separator: "\n")
  }

  private static func verdict(_ report: RaftVerification) -> String {
    if !report.problems.isEmpty { return "\(report.problems.count) PROBLEM(S)" }
    return report.needsRepair.isEmpty ? "sound" : "NEEDS REPAIR"
  }

  package static func repair(_ repair: RaftRepair) -> String {
    guard !repair.repairs.isEmpty else { return "\(repair.channel): nothing to repair" }
    return (["\(repair.channel): repaired"] + repair.repairs.map { "  \($0)" })
      .joined(separator: "\n")
  }

  package static func description(_ raft: RaftDescription) -> String {
    var lines = [field("Channel", raft.channel)]
    if let state = raft.hardState {
      let vote = state.vote == 0 ? "no vote" : "voted for \(state.vote)"
      lines.append(field("Hard state", "term \(state.term), \(vote), commit \(state.commit)"))
    }
    if let first = raft.firstIndex, let last = raft.lastIndex, let term = raft.lastTerm {
      lines.append(
        field(
          "Entries",
          first > last ? "none behind \(last)" : "\(first) to \(last), the last of term \(term)"))
    }
    if let members = raft.members { lines.append(field("Members", text(members))) }
    if let problem = raft.problem { lines.append(field("PROBLEM", problem)) }
    lines += raft.repairs.map { field("Repair", $0) }
    for segment in raft.segments {
      lines.append(
        field(
          "Segment",
          "\(segment.file), \(segment.records) records in \(segment.end) of \(segment.bytes) bytes"
            + (segment.fault.map { ", then: \($0)" } ?? "")))
    }
    for snapshot in raft.snapshots {
      let block = snapshot.block.map { ", block \($0)" } ?? ""
      let content =
        snapshot.error.map { "NOT READABLE: \($0)" }
        ?? "\(snapshot.members.map(text) ?? "")\(block)"
      lines.append(
        field(
          "Snapshot", "index \(snapshot.index), term \(snapshot.term), \(content), \(snapshot.file)"
        ))
    }
    if let records = raft.records { lines += ["", columns(records.map(row))] }
    if let entries = raft.entries {
      lines += ["", columns([["INDEX", "TERM", "BYTES", "WHAT"]] + entries.map { row($0) })]
    }
    return lines.joined(separator: "\n")
  }

  private static func row(_ record: RecordDescription) -> [String] {
    var what = ""
    if let entry = record.entry {
      what = "\(entry.index) of term \(entry.term), \(text(entry))"
    } else if let state = record.hardState {
      what = "term \(state.term), vote \(state.vote), commit \(state.commit)"
    } else if let index = record.index, let term = record.term {
      what = "index \(index), term \(term)" + (record.members.map { ", \(text($0))" } ?? "")
    }
    return [record.segment, "\(record.offset)", "\(record.bytes)", record.kind, what]
  }

  private static func row(_ entry: EntryDescription) -> [String] {
    ["\(entry.index)", "\(entry.term)", "\(entry.bytes)", text(entry)]
  }

  private static func text(_ entry: EntryDescription) -> String {
    let what =
      switch entry.kind {
      case .empty: "empty"
      case .block: "block \(entry.block ?? 0), \(entry.messages ?? 0) messages"
      case .configBlock: "config block \(entry.block ?? 0)"
      case .membershipChange: entry.change ?? ""
      case .unreadable: "not readable"
      }
    return what + (entry.error.map { " (\($0))" } ?? "")
  }

  private static func text(_ members: MembersDescription) -> String {
    let voters = "voters \(members.voters.map(String.init).joined(separator: ", "))"
    guard !members.learners.isEmpty else { return voters }
    return "\(voters), learners \(members.learners.map(String.init).joined(separator: ", "))"
  }

  private static func field(_ name: String, _ value: String) -> String {
    pad(name + ":", 12) + " " + value
  }

  /// Rows whose cells stand below one another; the last is as long as it is.
  private static func columns(_ rows: [[String]]) -> String {
    let last = (rows.first?.count ?? 1) - 1
    let widths = (0..<last).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      (0..<last).map { pad(row[$0], widths[$0]) + "  " }.joined() + row[last]
    }.joined(separator: "\n")
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
