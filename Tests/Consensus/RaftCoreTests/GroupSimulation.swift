// Groups of cores on a bad network, with disks that are slow and nodes that crash.

import RaftCore
import TestSupport

/// One random history of a group. The whole node has a simulator of its own; this one is after the protocol.
struct GroupSimulation {
  struct Options: Sendable, CustomStringConvertible {
    var nodes: UInt64 = 3
    var steps = 2000
    var crashes = true
    var changes = false
    var preVote = false
    var checkQuorum = false

    var description: String {
      "\(nodes) nodes, \(steps) steps\(crashes ? ", crashes" : "")\(changes ? ", changes" : "")"
        + "\(preVote ? ", pre-vote" : "")\(checkQuorum ? ", check of the quorum" : "")"
    }
  }

  private let options: Options
  private var random: SplitMix64
  private(set) var nodes: [NodeID: GroupNode] = [:]
  private var messages: [Message] = []
  /// Pairs of nodes between which nothing goes, in one direction.
  private var cut: Set<[NodeID]> = []
  private var isCalm = false
  private var proposals: UInt64 = 0

  // What was seen.
  private var leaders: [Term: NodeID] = [:]
  private var states: [LogIndex: ModelState] = [:]
  private(set) var problem: String?

  var applied: LogIndex { nodes.values.map(\.state.index).max() ?? 0 }
  var terms: Int { leaders.count }

  init(seed: UInt64, _ options: Options) throws {
    self.options = options
    random = SplitMix64(seed: seed)
    let voters = Array(1...options.nodes)
    let start = Snapshot(
      index: 2, term: 1, members: MembershipState(voters: voters), data: Array("0".utf8)[...])
    for node in voters { try add(node, start) }
    // These join later, if at all.
    if options.changes {
      for node in (options.nodes + 1)...(options.nodes + 2) { try add(node, Snapshot()) }
    }
  }

  private mutating func add(_ id: NodeID, _ start: Snapshot) throws {
    var configuration = RaftCore.Configuration(id: id)
    configuration.electionTick = 5
    configuration.preVote = options.preVote
    configuration.checkQuorum = options.checkQuorum
    configuration.stepDownOnRemoval = true
    configuration.tailSize = [0, 60, .max][Int(random.next() % 3)]
    configuration.maxMessageSize = Int(random.next() % 100)
    configuration.maxApplyingSize = 1 + Int(random.next() % 100)
    configuration.maxInflightMessages = 1 + Int(random.next() % 4)
    nodes[id] = try GroupNode(configuration, start)
  }

  // MARK: Running

  mutating func run() throws {
    for _ in 0..<options.steps where problem == nil { try act() }
    calm()
    let before = applied
    for _ in 0..<400 where problem == nil && applied < before + 3 { try round() }
    guard problem == nil else { return }
    if applied < before + 3 { problem = "no progress after all faults were over: \(summary)" }
  }

  private var summary: String {
    nodes.keys.sorted().compactMap { nodes[$0]?.core }.map {
      "\($0.id): \($0.softState), \($0.hardState), applied \($0.applied), \($0.members)"
    }.joined(separator: "; ")
  }

  private mutating func calm() {
    isCalm = true
    cut = []
  }

  /// Everything that is to be done, once, and a proposal.
  private mutating func round() throws {
    for node in nodes.keys.sorted() {
      update(node) { $0.withCore { $0.tick() } }
      for _ in 0..<4 { work(node) }
    }
    for _ in 0..<messages.count { deliver() }
    for node in nodes.keys.sorted() { for _ in 0..<4 { work(node) } }
    propose(random.next() % UInt64(nodes.count) + 1)
  }

  private mutating func work(_ node: NodeID) {
    takeReady(node)
    sync(node, count: .max)
    for _ in 0..<8 { update(node) { $0.apply() } }
    for _ in 0..<4 { update(node) { $0.answerRead() } }
  }

  private mutating func act() throws {
    let node = random.next() % UInt64(nodes.count) + 1
    switch random.next() % 100 {
    case 0..<20: takeReady(node)
    case 20..<35: sync(node, count: 1 + Int(random.next() % 3))
    case 35..<45: update(node) { $0.apply() }
    case 45..<48: update(node) { $0.answerRead() }
    case 48..<56: update(node) { $0.withCore { $0.tick() } }
    case 56..<60: propose(node)
    case 60: snapshot(node)
    case 61, 62: try other(node)
    case 63 where options.changes: change(node)
    default: deliver()
    }
  }

  private mutating func other(_ node: NodeID) throws {
    switch random.next() % 10 {
    case 0, 1: update(node) { $0.withCore { $0.campaign() } }
    case 2, 3:
      let to = random.next() % UInt64(nodes.count) + 1
      update(node) { $0.withCore { $0.transferLeadership(to: to) } }
    case 4: update(node) { $0.withCore { $0.forgetLeader() } }
    case 5, 6, 7:
      cut =
        random.next() % 2 == 0 ? [] : cut.union([[node, random.next() % UInt64(nodes.count) + 1]])
    default:
      guard options.crashes else { return }
      try nodes[node]?.crash()
    }
  }

  // MARK: Steps

  private mutating func update(_ node: NodeID, _ body: (inout GroupNode) -> Void) {
    guard var state = nodes.removeValue(forKey: node) else { return }
    body(&state)
    nodes[node] = state
    check(node)
  }

  private mutating func takeReady(_ node: NodeID) {
    var sent: [Message] = []
    update(node) { sent = $0.takeReady() }
    for message in sent where message.kind == .snapshot {
      // A node refuses a snapshot that does not name it, and the next one has to.
      if let members = message.snapshot?.members, !members.names(message.to) {
        update(node) { $0.takeSnapshot(keeping: 0) }
      }
      let arrived = isCalm || random.next() % 2 == 0
      update(node) { $0.withCore { $0.reportSnapshot(to: message.to, arrived: arrived) } }
    }
    messages += sent
  }

  private mutating func sync(_ node: NodeID, count: Int) {
    var sent: [Message] = []
    update(node) { sent = $0.sync(count: count) }
    messages += sent
  }

  private mutating func deliver() {
    guard !messages.isEmpty else { return }
    let place = isCalm ? 0 : Int(random.next() % UInt64(min(messages.count, 8)))
    let message = messages[place]
    let fate = isCalm ? 1 : random.next() % 10
    if fate > 0 { messages.remove(at: place) }
    if cut.contains([message.from, message.to]) || fate == 9 {
      update(message.from) { $0.withCore { $0.reportUnreachable(message.to) } }
      return
    }
    update(message.to) { node in
      node.withCore { core in
        do { try core.step(message) } catch { return }
      }
    }
    if messages.count > 300 { messages.removeFirst(100) }
  }

  private mutating func propose(_ node: NodeID) {
    proposals += 1
    let data = Array("\(proposals)".utf8)[...]
    update(node) { node in node.withCore { core in _ = try? core.propose(data) } }
  }

  private mutating func change(_ node: NodeID) {
    let kinds: [MembershipChange.Kind] = [.addVoter, .addVoter, .addLearner, .remove]
    let steps = (0..<(1 + random.next() % 2)).map { _ in
      MembershipChange.Step(
        kinds[Int(random.next() % 4)], random.next() % UInt64(nodes.count) + 1)
    }
    let change = MembershipChange(steps: steps)
    update(node) { node in
      // A group of none is refused by whoever knows what the entries mean.
      let voters = node.core.members.voters.incoming.voters
      let added = steps.filter { $0.kind == .addVoter }.map(\.node)
      let gone = steps.filter { $0.kind != .addVoter }.map(\.node)
      guard Set(voters + added).subtracting(gone).count >= 2 else { return }
      node.withCore { core in
        _ = try? core.propose(change, as: .changeV2, data: TraceChange.encode(change))
      }
    }
  }

  private mutating func snapshot(_ node: NodeID) {
    let kept = random.next() % 4
    update(node) { $0.takeSnapshot(keeping: kept) }
  }

  // MARK: What must always hold

  private mutating func check(_ node: NodeID) {
    guard problem == nil, let state = nodes[node] else { return }
    let core = state.core
    problem = state.problem ?? core.fault.map { "\(node): \($0)" }
    if core.softState.role == .leader {
      if let other = leaders[core.term], other != node {
        problem = "\(other) and \(node) lead in term \(core.term)"
      }
      leaders[core.term] = node
    }
    for step in state.history {
      if let known = states[step.index], known != step {
        problem = "\(node) has another state at \(step.index)"
      }
      states[step.index] = step
    }
    nodes[node]?.history = []
  }
}

extension MembershipState {
  fileprivate func names(_ node: NodeID) -> Bool {
    [voters, learners, votersOutgoing].contains { $0.contains(node) }
  }
}
