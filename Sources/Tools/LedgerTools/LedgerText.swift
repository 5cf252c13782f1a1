// The results of the ledger tools as text for a terminal.

/// Lines for people. Scripts should ask for JSON.
package enum LedgerText {
  /// The channels as a table.
  package static func table(_ summaries: [ChainSummary]) -> String {
    guard !summaries.isEmpty else { return "There are no channels." }
    let rows =
      [["CHANNEL", "HEIGHT", "FILES", "SIZE"]]
      + summaries.map { summary in
        switch summary.outcome {
        case .figures(let figures):
          [summary.channel, "\(figures.height)", "\(figures.files)", size(figures.bytes)]
        case .unreadable(let reason): [summary.channel, "-", "-", reason]
        }
      }
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      (0..<3).map { pad(row[$0], widths[$0]) }.joined(separator: "  ") + "  " + row[3]
    }.joined(separator: "\n")
  }

  package static func info(_ info: ChainInfo) -> String {
    var lines = [
      field("Channel", info.channel), field("Height", "\(info.height)"),
      field("Size", "\(size(info.bytes)) in \(info.files.count) file(s)"),
      field("Last block", info.lastBlockHash.isEmpty ? "none" : info.lastBlockHash),
    ]
    if let configuration = info.configuration {
      lines += [
        field(
          "Configuration", "sequence \(configuration.sequence), in block \(configuration.block)"),
        field(
          "Kind", configuration.isSystemChannel ? "system channel" : "application channel"),
        field("Consensus", configuration.consensusType),
        field(
          "Blocks",
          "\(configuration.maxMessageCount) messages, \(configuration.preferredMaxBytes) bytes, "
            + configuration.batchTimeout),
        field("Orderers", configuration.ordererOrganizations.joined(separator: ", ")),
        field("Application", configuration.applicationOrganizations.joined(separator: ", ")),
      ]
    } else if let error = info.configurationError {
      lines.append(field("Configuration", "not readable: \(error)"))
    }
    for file in info.files {
      let first = file.firstBlock.map { "from block \($0)" } ?? "no block"
      lines.append(field("File", "\(file.path), \(size(file.bytes)), \(first)"))
    }
    return lines.joined(separator: "\n")
  }

  package static func report(_ report: VerificationReport) -> String {
    var lines: [String] = []
    let counts =
      "\(report.blocks) blocks, \(report.transactions) transactions, \(size(report.bytes)), "
      + "\(report.configBlocks) configurations, \(report.validSignatures) blocks with valid signatures"
      + (report.uncheckedSignatures > 0 ? ", \(report.uncheckedSignatures) not checked" : "")
    lines.append(
      report.isSound
        ? "\(report.channel): sound: \(counts)"
        : "\(report.channel): \(report.problemCount) PROBLEM(S): \(counts)")
    for problem in report.problems {
      let block = problem.block.map { "block \($0)" } ?? "no block"
      lines.append("  \(block), \(problem.file) at offset \(problem.offset): \(problem.message)")
    }
    let hidden = report.problemCount - report.problems.count
    if hidden > 0 { lines.append("  and \(hidden) more") }
    if report.incompleteTailBytes > 0 {
      lines.append(
        "  the newest file ends with \(report.incompleteTailBytes) bytes of a block that is being "
          + "written, or that a crash cut short; a node removes them when it starts")
    }
    return lines.joined(separator: "\n")
  }

  package static func block(_ block: BlockDescription) -> String {
    var lines = [
      field("Block", "\(block.number) of channel \(block.channel)"),
      field("Hash", block.hash), field("Previous hash", block.previousHash),
      field(
        "Data hash", block.dataHash + (block.dataHashMatches ? "" : " (NOT that of the data)")),
      field("Stored in", "\(block.file) at offset \(block.offset), \(block.bytes) bytes"),
      field("Configuration", block.lastConfigBlock.map { "in block \($0)" } ?? "not stated"),
      field(
        "Signed by",
        block.signatures.isEmpty
          ? "nobody" : block.signatures.map { $0.signer ?? "?" }.joined(separator: ", ")),
    ]
    if !block.consenterMetadata.isEmpty {
      lines.append(field("Consenter", block.consenterMetadata))
    }
    lines.append(field("Transactions", "\(block.transactions.count)"))
    for entry in block.transactions {
      if let error = entry.error {
        lines.append("  \(entry.index): \(entry.bytes) bytes, not readable: \(error)")
      } else {
        let id = entry.id.isEmpty ? "no ID" : entry.id
        lines.append(
          "  \(entry.index): \(entry.type) \(id), by \(entry.creator), \(entry.bytes) bytes"
            + (entry.timestamp.map { ", \($0)" } ?? ""))
      }
    }
    return lines.joined(separator: "\n")
  }

  /// Bytes in a unit that fits.
  static func size(_ bytes: Int64) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if value < 1024 || unit == "GiB" {
        return unit == "B" ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(unit)"
      }
      value /= 1024
    }
    return "\(bytes) B"
  }

  private static func field(_ name: String, _ value: String) -> String {
    pad(name + ":", 15) + " " + value
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
