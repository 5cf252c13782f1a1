// The commands of etcd's traces, and a few of our own.

import RaftCore

extension TraceGroup {
  mutating func perform(_ command: DataDrivenCommand) throws {
    let places = command.numbers.map { Int($0) - 1 }
    switch command.name {
    case "add-nodes": try addNodes(command)
    case "log-level": try setLevel(command.arguments.first?.key ?? "")
    case "deliver-msgs": try deliver(command)
    case "process-ready":
      try each(places, "handling Ready") { group, place in try group.processReady(place) }
    case "process-append-thread":
      try each(places, "processing append thread") { group, place in
        group.processAppendThread(place)
      }
    case "process-apply-thread":
      try each(places, "processing apply thread") { group, place in
        try group.processApplyThread(place)
      }
    case "stabilize": try stabilize(command, places)
    case "raft-state": writeStates()
    default:
      guard let place = places.first ?? transferSource(command), nodes.indices.contains(place)
      else { throw Failure(description: "unknown command") }
      defer { log(place) }
      try perform(command, on: place, places.dropFirst().first)
    }
  }

  private func transferSource(_ command: DataDrivenCommand) -> Int? {
    command.value(of: "from").flatMap(Int.init).map { $0 - 1 }
  }

  private mutating func perform(
    _ command: DataDrivenCommand, on place: Int, _ other: Int?
  ) throws {
    let otherNode = NodeID((other ?? 0) + 1)
    switch command.name {
    case "campaign": nodes[place].core.campaign()
    case "compact":
      try nodes[place].compact(through: otherNode)
      writeLog(place)
    case "raft-log": writeLog(place)
    case "set-randomized-election-timeout":
      nodes[place].core.setElectionTimeout(Int(command.value(of: "timeout") ?? "") ?? 0)
    case "status":
      let progress = nodes[place].core.status.progress
      for node in progress.nodes {
        output.write("\(node): \(progress[node].map { "\($0)" } ?? "")\n")
      }
    case "tick-election": tick(place, nodes[place].settings.configuration.electionTick)
    case "tick-heartbeat": tick(place, nodes[place].settings.configuration.heartbeatTick)
    case "transfer-leadership":
      nodes[place].core.transferLeadership(to: NodeID(command.value(of: "to") ?? "") ?? 0)
    case "forget-leader": nodes[place].core.forgetLeader()
    case "send-snapshot": sendSnapshot(from: place, to: otherNode)
    case "propose": try propose(command, on: place)
    case "propose-conf-change": try proposeChange(command, on: place)
    case "report-unreachable": nodes[place].core.reportUnreachable(otherNode)
    case "report-snapshot":
      nodes[place].core.reportSnapshot(
        to: otherNode, arrived: command.value(of: "arrived") == "true")
    case "read-index":
      nodes[place].core.readIndex(Array((command.arguments.last?.key ?? "").utf8)[...])
    case "forge": try forge(command, to: place)
    case "fault": output.write("\(nodes[place].core.fault.map { "\($0)" } ?? "none")\n")
    default: throw Failure(description: "unknown command")
    }
  }

  private mutating func each(
    _ places: [Int], _ doing: String, _ body: (inout TraceGroup, Int) throws -> Void
  ) throws {
    for place in places {
      if places.count > 1 {
        try indented("> \(place + 1) \(doing)") { try body(&$0, place) }
      } else {
        try body(&self, place)
      }
    }
  }

  // MARK: Set-up

  private mutating func addNodes(_ command: DataDrivenCommand) throws {
    var configuration = RaftCore.Configuration(id: 1)
    configuration.electionTick = 3
    configuration.maxMessageSize = .max
    configuration.maxApplyingSize = .max
    configuration.maxInflightMessages = Int(Int32.max)
    var settings = TraceSettings(configuration: configuration)
    for argument in command.arguments.dropFirst() {
      for value in argument.values { try settings.set(argument.key, value) }
    }
    if settings.snapshot != Snapshot() { settings.snapshot.term = 1 }
    for _ in 0..<Int(command.numbers.first ?? 0) {
      settings.configuration.id = NodeID(nodes.count + 1)
      nodes.append(try TraceNode(settings))
      log(nodes.count - 1)
    }
  }

  private mutating func setLevel(_ name: String) throws {
    guard let level = TraceOutput.levels.firstIndex(of: name.uppercased()) else {
      throw Failure(description: "unknown log level \(name)")
    }
    output.level = level
  }

  private mutating func stabilize(_ command: DataDrivenCommand, _ places: [Int]) throws {
    let level = output.level
    defer { output.level = level }
    if let name = command.value(of: "log-level") { try setLevel(name) }
    try stabilize(places.isEmpty ? Array(nodes.indices) : places)
  }

  // MARK: Messages and time

  private mutating func deliver(_ command: DataDrivenCommand) throws {
    let kind = try command.value(of: "type").map(Self.kind)
    var count = 0
    for argument in command.arguments {
      if argument.values.isEmpty, let node = NodeID(argument.key) {
        count += deliver(to: node, kind)
      }
      guard argument.key == "drop" else { continue }
      for node in argument.values.compactMap(NodeID.init) {
        count += deliver(to: node, kind, drop: true)
      }
    }
    if count == 0 { output.write("no messages\n") }
  }

  private static func kind(_ name: String) throws -> Message.Kind {
    guard let kind = Message.Kind.allCases.first(where: { $0.etcdName == name }) else {
      throw Failure(description: "unknown message type \(name)")
    }
    return kind
  }

  private mutating func tick(_ place: Int, _ count: Int) {
    for _ in 0..<count { nodes[place].core.tick() }
  }

  private mutating func sendSnapshot(from place: Int, to node: NodeID) {
    let message = Message(
      .snapshot, to: node, from: nodes[place].id, term: nodes[place].core.term,
      snapshot: nodes[place].newestState)
    messages.append(message)
    output.write(TraceText.message(message))
  }

  /// Not of etcd's: a message that no node has sent, e.g. `forge 2 type=MsgHeartbeat from=1 term=3 commit=9`.
  private mutating func forge(_ command: DataDrivenCommand, to place: Int) throws {
    func number(_ key: String) -> UInt64 { command.value(of: key).flatMap(UInt64.init) ?? 0 }
    let entries = (command.arguments.first { $0.key == "entries" }?.values ?? []).compactMap {
      let parts = $0.split(separator: "/").compactMap { UInt64($0) }
      return parts.count == 2 ? Entry(term: parts[0], index: parts[1]) : nil
    }
    let message = Message(
      try Self.kind(command.value(of: "type") ?? ""), to: nodes[place].id, from: number("from"),
      term: number("term"), logTerm: number("logterm"), index: number("index"), entries: entries,
      commit: number("commit"))
    messages.append(message)
    _ = deliver(to: message.to)
  }

  // MARK: Proposals

  private mutating func propose(_ command: DataDrivenCommand, on place: Int) throws {
    let data = Array((command.arguments.last?.key ?? "").utf8)
    do { try nodes[place].core.propose(data[...]) } catch { throw Self.dropped }
  }

  /// etcd tells no more.
  private static let dropped = Failure(description: "raft proposal dropped")

  private mutating func proposeChange(_ command: DataDrivenCommand, on place: Int) throws {
    var change = MembershipChange(steps: try TraceChange.steps(command.input))
    switch command.value(of: "transition") ?? "auto" {
    case "implicit": change.transition = .jointImplicit
    case "explicit": change.transition = .jointExplicit
    default: break
    }
    let isFirst = command.value(of: "v1") == "true"
    do {
      try nodes[place].core.propose(
        change, as: isFirst ? .change : .changeV2, data: TraceChange.encode(change))
    } catch { throw Self.dropped }
  }

  // MARK: Looking

  private mutating func writeLog(_ place: Int) {
    let node = nodes[place]
    output.write(
      node.stored.isEmpty
        ? "log is empty: first index=\(node.firstIndex), last index=\(node.lastIndex)"
        : TraceText.entries(node.stored))
  }

  private mutating func writeStates() {
    for node in nodes {
      let status = node.core.status
      let isVoter = status.members.voters.contains(status.id)
      output.write(
        """
        \(status.id): \(status.softState.role) (\(isVoter ? "Voter" : "Non-Voter")) \
        Term:\(status.hardState.term) Lead:\(status.softState.leader)\n
        """)
    }
  }
}

extension TraceSettings {
  /// Takes one argument of `add-nodes`.
  fileprivate mutating func set(_ key: String, _ value: String) throws {
    let isTrue = value == "true"
    let number = UInt64(value) ?? 0
    switch key {
    case "voters": snapshot.members.voters.append(number)
    case "learners": snapshot.members.learners.append(number)
    case "inflight": configuration.maxInflightMessages = Int(number)
    case "index": snapshot.index = number
    case "content": snapshot.data = Array(value.utf8)[...]
    case "async-storage-writes": isAsynchronous = isTrue
    case "prevote": configuration.preVote = isTrue
    case "checkquorum": configuration.checkQuorum = isTrue
    case "max-committed-size-per-ready": configuration.maxApplyingSize = Int(number)
    case "disable-conf-change-validation": configuration.disableChangeValidation = isTrue
    case "read-only": configuration.readSafety = value == "safe" ? .quorum : .lease
    case "step-down-on-removal": configuration.stepDownOnRemoval = isTrue
    // Not of etcd's.
    case "tail-size": tailSize = Int(number)
    case "max-message-size": configuration.maxMessageSize = Int(number)
    case "max-uncommitted-size": configuration.maxUncommittedSize = Int(number)
    case "disable-proposal-forwarding": configuration.disableProposalForwarding = isTrue
    default: throw TraceGroup.Failure(description: "unknown argument \(key)")
    }
  }
}
