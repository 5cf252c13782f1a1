// A node of a simulated group: a core, a disk, a state machine, and work that is not done yet.

import RaftCore

struct GroupNode {
  let configuration: RaftCore.Configuration
  private(set) var core: RaftCore
  private(set) var disk: ModelDisk
  private(set) var state: ModelState
  /// Handed out; what of it is on the disk is lost at a crash.
  private(set) var persists: [RaftCore.Persist] = []
  private(set) var committed: [Entry] = []
  private var reads: [RaftCore.LogRead] = []
  private var starts: UInt64 = 1
  private(set) var problem: String?
  /// What the state was after each entry that was applied since it was looked at last.
  var history: [ModelState] = []

  init(_ configuration: RaftCore.Configuration, _ start: Snapshot) throws {
    self.configuration = configuration
    disk = ModelDisk(snapshot: start)
    state = ModelState(start)
    core = try disk.start(configuration, seed: configuration.id)
  }

  /// Loses all that was not synced. The machine begins again with the snapshot.
  mutating func crash() throws {
    starts += 1
    persists = []
    committed = []
    reads = []
    core = try disk.start(configuration, seed: configuration.id * 1000 + starts)
    state = ModelState(disk.snapshot)
  }

  mutating func withCore<Result>(_ body: (inout RaftCore) -> Result) -> Result {
    defer { _ = core.takeEvents() }
    return body(&core)
  }

  // MARK: Work

  /// - Returns: What may leave at once.
  mutating func takeReady() -> [Message] {
    let ready = core.ready()
    if let persist = ready.persist { persists.append(persist) }
    reads += ready.reads
    committed += ready.committed
    return ready.messages
  }

  /// Syncs the oldest write, and perhaps those behind it with it.
  ///
  /// - Returns: What may leave after it.
  mutating func sync(count: Int) -> [Message] {
    let synced = persists.prefix(count)
    persists.removeFirst(synced.count)
    for persist in synced {
      problem = problem ?? disk.write(persist)
      guard let snapshot = persist.snapshot else { continue }
      state = ModelState(snapshot)
      committed.removeAll { $0.index <= snapshot.index }
      history.append(state)
    }
    for persist in synced { core.persisted(persist) }
    return synced.flatMap { $0.replies(of: core.id) }
  }

  mutating func apply() {
    guard !committed.isEmpty else { return }
    let entry = committed.removeFirst()
    if entry.index != state.index + 1 {
      problem = problem ?? "\(core.id) applies \(entry.index) after \(state.index)"
    }
    state.apply(entry)
    history.append(state)
    if entry.kind != .normal {
      do { try core.apply(TraceChange.decode(entry.data)) } catch {
        problem = problem ?? "\(core.id): \(error)"
      }
    }
    core.applied(through: entry.index)
  }

  mutating func answerRead() {
    guard !reads.isEmpty else { return }
    let read = reads.removeFirst()
    core.loaded(read, disk.answer(read))
  }

  /// A snapshot of what was applied, and a shorter log, of which a little is kept for others.
  mutating func takeSnapshot(keeping count: LogIndex) {
    // A snapshot from the leader is on its way, and in force only with it.
    guard state.index > disk.snapshot.index, let entry = disk.entry(at: state.index) else { return }
    let snapshot = Snapshot(
      index: state.index, term: entry.term, members: core.members.state, data: state.bytes)
    disk.take(snapshot)
    core.snapshotTaken(snapshot)
    guard state.index > disk.base.index + count, reads.isEmpty else { return }
    core.compact(through: state.index - count)
    disk.compact(through: core.status.firstIndex - 1)
  }
}
