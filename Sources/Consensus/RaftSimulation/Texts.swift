// One line for each event, for people who look for a fault.

import RaftCore

extension Message {
  var text: String {
    var text = "\(kind.etcdName) t\(term)"
    if reject { text += " REJECT hint \(logTerm)/\(rejectHint)" }
    switch kind {
    case .append: text += " after \(logTerm)/\(index) \(entries.text) commit \(commit)"
    case .vote, .preVote: text += " last \(logTerm)/\(index)"
    case .appendResponse: text += " index \(index)"
    case .heartbeat: text += " commit \(commit)"
    case .snapshot: if let snapshot { text += " of \(snapshot.term)/\(snapshot.index)" }
    case .propose: text += " \(entries.text)"
    default: break
    }
    return text
  }
}

extension Entry {
  var text: String {
    let what: String
    if kind == .normal {
      what =
        data.isEmpty
        ? "empty" : "#" + data.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }.description
    } else {
      what = ChangeCoding.decode(data)?.text ?? "?"
    }
    return "\(term)/\(index) \(what)"
  }
}

extension [Entry] {
  var text: String { "[" + map(\.text).joined(separator: ", ") + "]" }
}

extension MembershipChange {
  var text: String {
    steps.isEmpty ? "leave joint" : steps.map { "\($0.kind) \($0.node)" }.joined(separator: " ")
  }
}

extension HardState {
  var text: String { "term \(term) vote \(vote) commit \(commit)" }
}

extension RaftCore.Persist {
  var text: String {
    var parts: [String] = []
    if let snapshot { parts.append("snapshot \(snapshot.term)/\(snapshot.index)") }
    if !entries.isEmpty { parts.append(entries.text) }
    if let hardState { parts.append(hardState.text) }
    if !responses.isEmpty {
      parts.append(
        "then " + responses.map { "\($0.kind.etcdName)→\($0.to)" }.joined(separator: " "))
    }
    return parts.joined(separator: ", ")
  }
}

extension ModelDisk.Contents {
  var text: String {
    """
    \(hardState.text), snapshot \(snapshot.term)/\(snapshot.index), log \(base.index + 1)…\
    \(term(at: lastIndex) ?? 0)/\(lastIndex)
    """
  }
}

extension Simulation {
  func text(of core: RaftCore) -> String {
    """
    \(core.softState.role) \(core.hardState.text) applied \(core.applied) last \
    \(core.last.term)/\(core.last.index) members \(core.members)
    """
  }
}
