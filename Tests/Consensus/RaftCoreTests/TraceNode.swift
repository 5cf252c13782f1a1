// A node of a trace: a core, and a shell around it that writes to memory.

import RaftCore

/// What a trace sets of a node.
struct TraceSettings {
  var configuration: RaftCore.Configuration
  var snapshot = Snapshot()
  /// Whether writing and applying are commands of their own.
  var isAsynchronous = false
  /// Entries that the core keeps, in bytes; the rest it has to ask for.
  var tailSize = Int.max
}

struct TraceNode {
  var core: RaftCore
  let settings: TraceSettings
  /// What is on the disk.
  private(set) var stored: [Entry] = []
  private(set) var base: LogPosition
  private var hardState = HardState()
  /// The newest one that was to be written.
  private var handedOut = HardState()
  /// The state after each applied entry. A state is all that was applied, one behind the other.
  private(set) var history: [Snapshot]
  /// What was handed out and is not done.
  var appendWork: [RaftCore.Persist] = []
  var applyWork: [[Entry]] = []

  init(_ settings: TraceSettings) throws {
    self.settings = settings
    let snapshot = settings.snapshot
    base = LogPosition(term: snapshot.term, index: snapshot.index)
    history = [snapshot]
    var configuration = settings.configuration
    configuration.appliesUnpersisted = !settings.isAsynchronous
    configuration.tailSize = settings.tailSize
    handedOut.commit = snapshot.index
    core = try RaftCore(
      configuration, snapshot: snapshot, log: LogTail(after: base), applied: snapshot.index,
      seed: configuration.id)
  }

  var id: NodeID { core.id }
  var firstIndex: LogIndex { base.index + 1 }
  var lastIndex: LogIndex { base.index + LogIndex(stored.count) }
  /// Empty only before anything was applied.
  var newestState: Snapshot { history.last ?? Snapshot() }

  // MARK: Ready

  mutating func ready() -> (ready: TraceReady, persist: RaftCore.Persist?) {
    let taken = core.ready()
    let persist = taken.persist
    var messages = taken.messages
    if settings.isAsynchronous {
      // etcd lets a candidate ask before its own vote is on its disk.
      messages += persist?.responses.filter { $0.kind == .vote } ?? []
      if let persist { messages.append(appendMessage(persist)) }
      if !taken.committed.isEmpty { messages.append(applyMessage(taken.committed)) }
    } else {
      messages += persist?.replies(of: id) ?? []
    }
    let ready = TraceReady(
      softState: taken.softState, hardState: persist?.hardState, readStates: taken.readStates,
      entries: persist?.entries ?? [], snapshot: persist?.snapshot, committed: taken.committed,
      messages: messages, reads: taken.reads, mustSync: mustSync(persist))
    if let hardState = persist?.hardState { handedOut = hardState }
    return (ready, persist)
  }

  /// As etcd has it, which leaves a snapshot out of account here.
  private func mustSync(_ persist: RaftCore.Persist?) -> Bool {
    guard let persist else { return false }
    let hardState = persist.hardState ?? handedOut
    return !persist.entries.isEmpty || hardState.term != handedOut.term
      || hardState.vote != handedOut.vote
  }

  private func appendMessage(_ persist: RaftCore.Persist) -> Message {
    Message(
      .storageAppend, to: RaftCore.appendThread, from: id, term: persist.hardState?.term ?? 0,
      entries: persist.entries, commit: persist.hardState?.commit ?? 0,
      vote: persist.hardState?.vote ?? 0, snapshot: persist.snapshot,
      responses: persist.responses.filter { $0.kind != .vote })
  }

  private func applyMessage(_ entries: [Entry]) -> Message {
    Message(
      .storageApply, to: RaftCore.applyThread, from: id, entries: entries,
      responses: [
        Message(.storageApplyResponse, to: id, from: RaftCore.applyThread, entries: entries)
      ])
  }

  // MARK: The disk and the state machine

  mutating func write(_ message: Message) {
    if message.term != 0 || message.vote != 0 || message.commit != 0 {
      hardState = HardState(term: message.term, vote: message.vote, commit: message.commit)
    }
    if let snapshot = message.snapshot {
      base = LogPosition(term: snapshot.term, index: snapshot.index)
      stored = []
    }
    guard let first = message.entries.first else { return }
    stored = stored.filter { $0.index < first.index } + message.entries
  }

  mutating func write(_ persist: RaftCore.Persist?) {
    if let persist { write(appendMessage(persist)) }
  }

  mutating func apply(_ entries: [Entry]) throws {
    for entry in entries {
      let last = newestState
      var members = last.members
      var update = entry.data
      if entry.kind != .normal {
        members = try core.apply(TraceChange.decode(entry.data))
        update = []
      }
      let state = Snapshot(
        index: entry.index, term: entry.term, members: members, data: last.data + update)
      history.append(state)
      core.snapshotTaken(state)
    }
  }

  mutating func compact(through index: LogIndex) throws {
    guard index > base.index else { throw TraceChange.Unknown(description: "already compacted") }
    guard let entry = stored.first(where: { $0.index == index }) else { return }
    base = entry.position
    stored.removeAll { $0.index <= index }
    core.compact(through: index)
  }

  /// Entries that the core has let go of.
  mutating func answer(_ reads: [RaftCore.LogRead]) {
    for read in reads {
      let wanted = stored.filter { read.range.contains($0.index) }
      var size = 0
      let fitting = wanted.prefix { entry in
        size += entry.encodedSize
        return size <= read.maxSize || entry.index == read.range.lowerBound
      }
      core.loaded(read, Array(fitting))
    }
  }
}
