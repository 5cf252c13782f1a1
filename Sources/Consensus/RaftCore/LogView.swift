// The log as the protocol sees it: what is in it, what the disk has of it, what is committed and applied.

/// Invariants: applied <= applying <= committed <= last index; what is not persisted is in memory.
struct LogView: Equatable, Sendable {
  /// A snapshot from the leader that replaces the log, on its way to the disk.
  enum Incoming: Equatable, Sendable {
    case none
    case pending(Snapshot)
    case beingPersisted(Snapshot)
  }

  /// Entries that were handed out together.
  private struct Batch: Equatable, Sendable {
    let last: LogIndex
    /// Bytes that count towards the bound.
    let size: Int
    /// Bytes of the entries' data.
    let dataSize: Int
  }

  private(set) var tail: LogTail
  private(set) var incoming = Incoming.none
  /// The first entry that is not known to be on the disk.
  private(set) var unpersisted: LogIndex
  /// The first entry that was not handed out to be written.
  private(set) var unwritten: LogIndex
  private(set) var committed: LogIndex
  /// Up to here committed entries were handed out.
  private(set) var applying: LogIndex
  private(set) var applied: LogIndex
  private var batches: [Batch] = []
  private var applyingSize = 0
  private var isApplyingPaused = false

  private let maxApplyingSize: Int
  private let tailSize: Int
  private let appliesUnpersisted: Bool

  init(_ tail: LogTail, _ configuration: RaftCore.Configuration) {
    self.tail = tail
    unpersisted = tail.lastIndex + 1
    unwritten = tail.lastIndex + 1
    committed = tail.base.index
    applying = tail.base.index
    applied = tail.base.index
    maxApplyingSize = configuration.maxApplyingSize
    tailSize = configuration.tailSize
    appliesUnpersisted = configuration.appliesUnpersisted
  }

  // MARK: What is in it

  var lastIndex: LogIndex { tail.lastIndex }
  var last: LogPosition { tail.last }
  var firstIndex: LogIndex { tail.firstIndex }
  func term(at index: LogIndex) -> Term? { tail.term(at: index) }

  /// Whether a snapshot is on its way to the disk. Until it is in force nothing behind it is applied.
  var hasIncoming: Bool { incoming != .none }
  var hasUnpersisted: Bool { unpersisted <= lastIndex }
  var hasUnwritten: Bool { unwritten <= lastIndex }

  /// As etcd prints it.
  var etcdText: String {
    """
    committed=\(committed), applied=\(applied), applying=\(applying), unstable.offset=\(unpersisted), \
    unstable.offsetInProgress=\(unwritten), len(unstable.Entries)=\(lastIndex + 1 - unpersisted)
    """
  }

  // MARK: Appending

  /// Adds entries that follow each other and begin behind what is committed, in place of all from there on.
  mutating func append(_ entries: [Entry], _ events: inout [RaftCore.Event]) {
    guard let first = entries.first, first.index > committed, first.index <= lastIndex + 1 else {
      return
    }
    if first.index <= lastIndex {
      if first.index <= unpersisted {
        events.append(.unstableReplaced(from: first.index))
        unpersisted = first.index
        unwritten = first.index
      } else {
        events.append(.unstableTruncated(before: first.index))
        unwritten = min(unwritten, first.index)
      }
      tail.truncate(to: first.index - 1)
    }
    for entry in entries { tail.append(entry) }
  }

  /// The first of the entries that the log does not have.
  func firstConflict(_ entries: [Entry]) -> Entry? { entries.first { !tail.matches($0.position) } }

  mutating func commit(to index: LogIndex) { committed = max(committed, min(index, lastIndex)) }

  /// The state that a node starts with.
  mutating func resume(commit: LogIndex, applied: LogIndex) {
    committed = max(committed, min(commit, lastIndex))
    self.applied = max(self.applied, min(applied, committed))
    applying = self.applied
  }

  /// Forgets entries up to an index of the log that were applied, since the disk has them no more.
  mutating func compact(through index: LogIndex) {
    guard index <= applied, index < unpersisted else { return }
    tail.compact(through: index)
  }

  // MARK: Snapshots

  mutating func restore(_ snapshot: Snapshot) {
    let position = LogPosition(term: snapshot.term, index: snapshot.index)
    tail = LogTail(after: position)
    unpersisted = snapshot.index + 1
    unwritten = snapshot.index + 1
    committed = snapshot.index
    incoming = .pending(snapshot)
  }

  /// A snapshot is on the disk and in force.
  mutating func snapshotPersisted(_ index: LogIndex) {
    guard case .beingPersisted(let snapshot) = incoming, snapshot.index == index else { return }
    incoming = .none
  }

  // MARK: Persisting

  /// What is to be written now.
  func nextUnwritten() -> [Entry] {
    tail.slice(unwritten..<(lastIndex + 1), maxSize: .max)
  }

  /// What was to be written was handed out.
  mutating func handedOutToPersist() {
    unwritten = max(unwritten, lastIndex + 1)
    if case .pending(let snapshot) = incoming { incoming = .beingPersisted(snapshot) }
  }

  /// The log is on the disk up to an entry, unless that was replaced since it was written.
  mutating func persisted(_ entry: LogPosition, _ events: inout [RaftCore.Event]) {
    guard entry.index >= unpersisted, entry.index <= lastIndex else {
      if entry.index < unpersisted, case .pending(let snapshot) = incoming,
        snapshot.index == entry.index
      {
        return events.append(.persistedSnapshot(entry.index))
      }
      if entry.index < unpersisted, case .beingPersisted(let snapshot) = incoming,
        snapshot.index == entry.index
      {
        return events.append(.persistedSnapshot(entry.index))
      }
      return events.append(.persistedMissing(entry.index))
    }
    let term = tail.term(at: entry.index) ?? 0
    guard term == entry.term else {
      return events.append(.persistedOutdated(entry, existing: term))
    }
    unpersisted = entry.index + 1
    unwritten = max(unwritten, unpersisted)
    evict()
  }

  /// Lets go of what the disk has. What is still to be handed out is worth more memory than what was.
  private mutating func evict() {
    tail.evict(before: min(unpersisted, applying + 1), keeping: tailSize)
    let limit = tailSize.addingReportingOverflow(maxApplyingSize)
    tail.evict(before: unpersisted, keeping: limit.overflow ? .max : limit.partialValue)
  }

  // MARK: Applying

  /// Committed entries that may be handed out, if there are any.
  var applicable: Range<LogIndex>? {
    guard !isApplyingPaused, !hasIncoming, applying < lastApplicable else { return nil }
    return (applying + 1)..<(lastApplicable + 1)
  }

  private var lastApplicable: LogIndex {
    appliesUnpersisted ? committed : min(committed, unpersisted - 1)
  }

  /// Bytes of entries that may be handed out now.
  var applicableSize: Int { max(maxApplyingSize - applyingSize, 0) }

  mutating func handedOutToApply(_ entries: [Entry]) {
    guard let last = entries.last else { return }
    let size = entries.reduce(0) { $0 + $1.encodedSize }
    batches.append(
      Batch(last: last.index, size: size, dataSize: entries.reduce(0) { $0 + $1.data.count }))
    applying = last.index
    applyingSize += size
    isApplyingPaused = applyingSize >= maxApplyingSize || applying < lastApplicable
    evict()
  }

  /// Entries up to an index were applied, or a snapshot was.
  ///
  /// - Returns: Bytes of data in the batches that are done with.
  mutating func applied(through index: LogIndex) -> Int {
    var dataSize = 0
    while let batch = batches.first, batch.last <= index {
      applyingSize -= batch.size
      dataSize += batch.dataSize
      batches.removeFirst()
    }
    applied = max(applied, index)
    applying = max(applying, index)
    isApplyingPaused = applyingSize >= maxApplyingSize
    return dataSize
  }
}
