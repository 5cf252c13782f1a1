// A recovery in words, before and after it is carried out.

/// Lines for the operator who decides.
extension RaftText {
  /// What is going to be done.
  package static func plan(_ recovery: RaftRecovery) -> String {
    let given = recovery.consenters.filter { !$0.votes }
    var lines = [
      "Channel \(recovery.channel): recovery on this node, which is consenter \(recovery.node)",
      "  ledger     \(recovery.height) blocks, the newest has the hash \(recovery.newestBlockHash)",
      "  log        " + log(recovery),
    ]
    for one in recovery.consenters {
      let vote = one.votes ? "has a vote" : "IS GIVEN UP: it has no vote any more"
      let own = one.isThisNode ? " (this node)" : ""
      lines.append("  consenter  \(one.id) \(one.endpoint)\(own): \(vote)")
    }
    lines.append("")
    if !given.isEmpty {
      lines.append(
        """
        The consenters that are given up must never run on their old Raft logs again: together they could order other \
        blocks.
        """)
    }
    lines.append(
      """
      Recover on the node with the longest chain: compare heights and hashes on all nodes that are left. Blocks that \
      only lost nodes had are lost. The old files are kept aside.
      """)
    return lines.joined(separator: "\n")
  }

  private static func log(_ recovery: RaftRecovery) -> String {
    if let reason = recovery.logUnused { return "NOT USED: \(reason)" }
    switch recovery.blocksInLog {
    case 0: return "has no further blocks"
    case 1: return "has 1 further block, which the ledger gets"
    default: return "has \(recovery.blocksInLog) further blocks, which the ledger gets"
    }
  }

  /// What was done, and what is left to do.
  package static func outcome(_ recovery: RaftRecovery, kept: [String]) -> String {
    let voters = recovery.consenters.filter(\.votes)
    let given = recovery.consenters.filter { !$0.votes }
    var lines = [
      "The Raft log of channel \(recovery.channel) begins anew at index \(recovery.index), term \(recovery.term)."
    ]
    lines += kept.map { "The old files are in \($0)" }
    lines.append("Next:")
    if voters.count > 1 {
      let others = voters.filter { !$0.isThisNode }.map { "\($0.id) (\($0.endpoint))" }
      lines.append(
        "  - run the same command on \(others.joined(separator: ", ")) before any of these nodes starts"
      )
    }
    lines.append("  - start this node, and see that it orders")
    if !given.isEmpty {
      lines.append(
        "  - remove from the channel's configuration, one update each: "
          + given.map { "\($0.id) (\($0.endpoint))" }.joined(separator: ", "))
      lines.append(
        "  - then add consenters, one update each, and have their nodes join the channel")
    }
    return lines.joined(separator: "\n")
  }
}
