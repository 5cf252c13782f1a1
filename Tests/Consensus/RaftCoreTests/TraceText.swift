// How etcd's traces print what goes in and out.

import RaftCore

/// Texts as `raft.Describe…` makes them.
enum TraceText {
  static func ready(_ ready: TraceReady) -> String {
    var text = ""
    if let soft = ready.softState { text += "Lead:\(soft.leader) State:\(soft.role)\n" }
    if let hard = ready.hardState { text += "HardState \(hardState(hard))\n" }
    if !ready.readStates.isEmpty {
      let states = ready.readStates.map { state in
        "{\(state.index) [\(state.context.map(String.init).joined(separator: " "))]}"
      }
      text += "ReadStates [\(states.joined(separator: " "))]\n"
    }
    if !ready.entries.isEmpty { text += "Entries:\n" + entries(ready.entries) }
    if let snapshot = ready.snapshot { text += "Snapshot \(self.snapshot(snapshot))\n" }
    if !ready.committed.isEmpty { text += "CommittedEntries:\n" + entries(ready.committed) }
    if !ready.messages.isEmpty {
      text += "Messages:\n" + ready.messages.map { message($0) + "\n" }.joined()
    }
    for read in ready.reads {
      let purpose =
        switch read.purpose {
        case .applying: "to apply"
        case .replicating(let node): "for \(node)"
        }
      text += "Read \(read.range.lowerBound)..<\(read.range.upperBound) \(purpose)\n"
    }
    return text.isEmpty ? "<empty Ready>" : "Ready MustSync=\(ready.mustSync):\n" + text
  }

  static func entries(_ entries: [Entry]) -> String {
    entries.map { entry($0) + "\n" }.joined()
  }

  static func entry(_ entry: Entry) -> String {
    let name: String
    var data: String
    switch entry.kind {
    case .normal: (name, data) = ("EntryNormal", quoted(entry.data))
    case .change: (name, data) = ("EntryConfChange", TraceChange.stepsText(entry.data))
    case .changeV2: (name, data) = ("EntryConfChangeV2", TraceChange.stepsText(entry.data))
    }
    if !data.isEmpty { data = " " + data }
    return "\(entry.term)/\(entry.index) \(name)\(data)"
  }

  static func message(_ m: Message, indent: String = "") -> String {
    var text = """
      \(indent)\(target(m.from))->\(target(m.to)) \(m.kind.etcdName) Term:\(m.term) \
      Log:\(m.logTerm)/\(m.index)
      """
    if m.reject { text += " Rejected (Hint: \(m.rejectHint))" }
    if m.commit != 0 { text += " Commit:\(m.commit)" }
    if m.vote != 0 { text += " Vote:\(m.vote)" }
    if m.entries.count == 1 {
      text += " Entries:[\(entry(m.entries[0]))]"
    } else if m.entries.count > 1 {
      let lines = m.entries.map { "\n\(indent)  \(entry($0))" }
      text += " Entries:[\(lines.joined())\n\(indent)]"
    }
    if let snapshot = m.snapshot, !snapshot.isEmpty {
      text += "\n\(indent)  Snapshot: \(self.snapshot(snapshot))"
    }
    if !m.responses.isEmpty {
      let lines = m.responses.map { "\n" + message($0, indent: indent + "  ") }
      text += " Responses:[\(lines.joined())\n\(indent)]"
    }
    return text
  }

  private static func hardState(_ state: HardState) -> String {
    "Term:\(state.term)\(state.vote != 0 ? " Vote:\(state.vote)" : "") Commit:\(state.commit)"
  }

  static func snapshot(_ snapshot: Snapshot) -> String {
    func list(_ nodes: [NodeID]) -> String {
      "[" + nodes.map(String.init).joined(separator: " ") + "]"
    }
    let members = snapshot.members
    return """
      Index:\(snapshot.index) Term:\(snapshot.term) ConfState:Voters:\(list(members.voters)) \
      VotersOutgoing:\(list(members.votersOutgoing)) Learners:\(list(members.learners)) \
      LearnersNext:\(list(members.learnersNext)) AutoLeave:\(members.autoLeave)
      """
  }

  private static func target(_ node: NodeID) -> String {
    switch node {
    case 0: "None"
    case RaftCore.appendThread: "AppendThread"
    case RaftCore.applyThread: "ApplyThread"
    default: String(node, radix: 16)
    }
  }

  private static func quoted(_ bytes: ArraySlice<UInt8>) -> String {
    let escaped = String(decoding: bytes, as: UTF8.self).flatMap { character in
      character == "\"" || character == "\\" ? "\\\(character)" : String(character)
    }
    return "\"" + String(escaped) + "\""
  }
}

/// What etcd calls a Ready: ours, grouped as its traces print it.
struct TraceReady {
  var softState: RaftCore.SoftState?
  var hardState: HardState?
  var readStates: [RaftCore.ReadState]
  var entries: [Entry]
  var snapshot: Snapshot?
  var committed: [Entry]
  var messages: [Message]
  /// Not in etcd's.
  var reads: [RaftCore.LogRead]
  var mustSync: Bool
}

/// Changes of membership in the traces' own words; the core never looks into their bytes.
enum TraceChange {
  struct Unknown: Error, CustomStringConvertible {
    let description: String
  }

  /// Operations as `v1 l2 r3 u4`.
  static func steps(_ text: String) throws -> [MembershipChange.Step] {
    try text.split { $0 == " " || $0 == "\n" }.map { token in
      guard token.count >= 2 else { throw Unknown(description: "unknown token \(token)") }
      let kinds: [Character: MembershipChange.Kind] = [
        "v": .addVoter, "l": .addLearner, "r": .remove, "u": .update,
      ]
      guard let kind = kinds[token[token.startIndex]], let node = NodeID(token.dropFirst()) else {
        throw Unknown(description: "unknown input: \(token)")
      }
      return MembershipChange.Step(kind, node)
    }
  }

  /// Nothing for what leaves a joint configuration, as in etcd's encoding.
  static func encode(_ change: MembershipChange) -> ArraySlice<UInt8> {
    guard !change.leavesJoint else { return [] }
    return Array("\(change.transition.rawValue) \(stepsText(change.steps))".utf8)[...]
  }

  static func decode(_ data: ArraySlice<UInt8>) throws -> MembershipChange {
    let text = String(decoding: data, as: UTF8.self)
    guard let first = text.first else { return MembershipChange(steps: []) }
    let transition = MembershipChange.Transition(rawValue: UInt32(String(first)) ?? 0)
    return MembershipChange(
      transition: transition ?? .automatic, steps: try steps(String(text.dropFirst())))
  }

  static func stepsText(_ data: ArraySlice<UInt8>) -> String {
    (try? stepsText(decode(data).steps)) ?? ""
  }

  private static func stepsText(_ steps: [MembershipChange.Step]) -> String {
    steps.map { step in
      switch step.kind {
      case .addVoter: "v\(step.node)"
      case .addLearner: "l\(step.node)"
      case .remove: "r\(step.node)"
      case .update: "u\(step.node)"
      }
    }.joined(separator: " ")
  }
}
