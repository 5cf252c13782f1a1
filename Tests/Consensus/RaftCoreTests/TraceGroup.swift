// The nodes of a trace, the messages between them, and what its commands do with both.

import RaftCore

/// A group that does what a trace's commands say, and prints what happens.
struct TraceGroup {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  var nodes: [TraceNode] = []
  var messages: [Message] = []
  var output = TraceOutput()

  /// Runs one command.
  ///
  /// - Returns: What it prints, which ends in a newline.
  mutating func run(_ command: DataDrivenCommand) -> String {
    output.reset()
    do {
      try perform(command)
    } catch {
      if output.isQuiet { return "\(error)\n" }
      output.write("\(error)")
    }
    if output.text.isEmpty { return "ok\n" }
    return output.text.hasSuffix("\n") ? output.text : output.text + "\n"
  }

  // MARK: Ready

  mutating func processReady(_ place: Int) throws {
    let (ready, persist) = nodes[place].ready()
    output.write(TraceText.ready(ready))
    let isAsynchronous = nodes[place].settings.isAsynchronous
    if !isAsynchronous {
      nodes[place].write(persist)
      try apply(ready.committed, on: place)
    }
    if isAsynchronous, let persist { nodes[place].appendWork.append(persist) }
    if isAsynchronous, !ready.committed.isEmpty { nodes[place].applyWork.append(ready.committed) }
    messages += ready.messages.filter {
      $0.to != RaftCore.appendThread && $0.to != RaftCore.applyThread
    }
    if !isAsynchronous {
      if let persist { nodes[place].core.persisted(persist) }
      if let last = ready.committed.last { nodes[place].core.applied(through: last.index) }
    }
    nodes[place].answer(ready.reads)
    log(place)
  }

  /// Prints what a node has to tell.
  mutating func log(_ place: Int) {
    output.log(nodes[place].core.takeEvents(), of: nodes[place].id)
  }

  private mutating func apply(_ entries: [Entry], on place: Int) throws {
    defer { log(place) }
    try nodes[place].apply(entries)
  }

  // MARK: Threads

  mutating func processAppendThread(_ place: Int) {
    guard !nodes[place].appendWork.isEmpty else {
      return output.write("no append work to perform")
    }
    let persist = nodes[place].appendWork.removeFirst()
    output.write("Processing:\n")
    let hardState = persist.hardState ?? HardState()
    let message = Message(
      .storageAppend, to: RaftCore.appendThread, from: nodes[place].id, term: hardState.term,
      entries: persist.entries, commit: hardState.commit, vote: hardState.vote,
      snapshot: persist.snapshot)
    output.write(TraceText.message(message) + "\n")
    nodes[place].write(message)
    respond(persist.responses.filter { $0.kind != .vote })
  }

  mutating func processApplyThread(_ place: Int) throws {
    guard !nodes[place].applyWork.isEmpty else {
      return output.write("no apply work to perform")
    }
    let entries = nodes[place].applyWork.removeFirst()
    let id = nodes[place].id
    output.write("Processing:\n")
    let message = Message(.storageApply, to: RaftCore.applyThread, from: id, entries: entries)
    output.write(TraceText.message(message) + "\n")
    try apply(entries, on: place)
    respond([
      Message(.storageApplyResponse, to: id, from: RaftCore.applyThread, entries: entries)
    ])
  }

  private mutating func respond(_ responses: [Message]) {
    output.write("Responses:\n")
    for response in responses { output.write(TraceText.message(response) + "\n") }
    messages += responses
  }

  // MARK: Messages

  /// Takes out messages to a node.
  private func messages(to node: NodeID, _ kind: Message.Kind?, drop: Bool) -> [Message] {
    messages.filter { Self.isFor($0, node, kind, drop) }
  }

  /// What a node tells itself is never lost.
  private static func isFor(_ message: Message, _ node: NodeID, _ kind: Message.Kind?, _ drop: Bool)
    -> Bool
  {
    let isLocal = message.from == message.to || message.from >= RaftCore.applyThread
    return message.to == node && !(drop && isLocal) && (kind == nil || kind == message.kind)
  }

  /// - Returns: How many messages were delivered or dropped.
  mutating func deliver(to node: NodeID, _ kind: Message.Kind? = nil, drop: Bool = false) -> Int {
    let taken = messages(to: node, kind, drop: drop)
    messages.removeAll { Self.isFor($0, node, kind, drop) }
    for message in taken {
      output.write((drop ? "dropped: " : "") + TraceText.message(message) + "\n")
      if !drop { deliver(message) }
    }
    return taken.count
  }

  private mutating func deliver(_ message: Message) {
    let place = Int(message.to) - 1
    var refusal: String?
    switch message.kind {
    case .storageApplyResponse:
      if let last = message.entries.last { nodes[place].core.applied(through: last.index) }
    case _ where message.from == message.to || message.from == RaftCore.appendThread:
      nodes[place].core.acknowledge(message)
    default:
      do { try nodes[place].core.step(message) } catch { refusal = Self.text(error) }
    }
    log(place)
    if let refusal { output.write(refusal + "\n") }
  }

  /// etcd's words, where it has any.
  private static func text(_ refusal: RaftCore.StepRefusal) -> String {
    switch refusal {
    case .local: "raft: cannot step raft local message"
    case .unknownPeer: "raft: cannot step as peer not found"
    case .dropped: "raft proposal dropped"
    case .malformed(let problem): "malformed: \(problem)"
    case .halted: "halted"
    }
  }

  // MARK: All of it

  /// Carries out what there is to do, until there is nothing.
  mutating func stabilize(_ places: [Int]) throws {
    var isDone = false
    while !isDone {
      isDone = true
      for place in places where nodes[place].core.hasReady {
        try indented("> \(place + 1) handling Ready") { try $0.processReady(place) }
        isDone = false
      }
      for place in places {
        let node = nodes[place].id
        guard !messages(to: node, nil, drop: false).isEmpty else { continue }
        indented("> \(node) receiving messages") { _ = $0.deliver(to: node) }
        isDone = false
      }
      for place in places where !nodes[place].appendWork.isEmpty {
        output.write("> \(place + 1) processing append thread\n")
        while !nodes[place].appendWork.isEmpty { indented { $0.processAppendThread(place) } }
        isDone = false
      }
      for place in places where !nodes[place].applyWork.isEmpty {
        output.write("> \(place + 1) processing apply thread\n")
        while !nodes[place].applyWork.isEmpty {
          try indented { try $0.processApplyThread(place) }
        }
        isDone = false
      }
    }
  }

  mutating func indented(
    _ title: String? = nil, _ body: (inout TraceGroup) throws -> Void
  ) rethrows {
    if let title { output.write(title + "\n") }
    output.begin()
    defer { output.end() }
    try body(&self)
  }
}
