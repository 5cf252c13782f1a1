// How far a leader has come with one follower.

/// What a leader knows of a member's log, and what it sends it next.
package struct Progress: Equatable, Sendable {
  package enum State: Equatable, Sendable {
    /// It is not known where the logs agree: one message at a time.
    case probe
    /// Messages follow each other without waiting for answers.
    case replicate
    /// A snapshot up to `pending` is on its way; nothing else is sent.
    case snapshot(pending: LogIndex)
  }

  /// Up to here the logs are known to agree.
  package private(set) var match: LogIndex
  /// The next entry to send; greater than `match`.
  package private(set) var next: LogIndex
  package private(set) var state = State.probe
  /// The highest commit index that is on its way.
  private var sentCommit: LogIndex = 0
  /// Whether anything came from it since the leader last looked for a quorum.
  package private(set) var isRecentlyActive: Bool
  /// The tick of the leader's office when it was last heard of.
  private(set) var lastHeard: Int?
  /// Whether no entries are sent until a heartbeat is answered.
  private(set) var isFlowPaused = false
  package private(set) var inflights: Inflights
  package var isLearner: Bool

  init(
    match: LogIndex = 0, next: LogIndex, inflights: Inflights, isLearner: Bool,
    isRecentlyActive: Bool = false
  ) {
    self.match = match
    self.next = next
    self.inflights = inflights
    self.isLearner = isLearner
    self.isRecentlyActive = isRecentlyActive
  }

  var isPaused: Bool {
    switch state {
    case .probe, .replicate: isFlowPaused
    case .snapshot: true
    }
  }

  var isProbing: Bool { state == .probe }
  var isReplicating: Bool { state == .replicate }

  // MARK: Transitions

  private mutating func reset(to state: State) {
    isFlowPaused = false
    inflights.reset()
    self.state = state
  }

  /// - Parameter snapshotFailed: Whether a pending snapshot did not arrive.
  mutating func becomeProbe(snapshotFailed: Bool = false) {
    var next = match + 1
    if case .snapshot(let pending) = state, !snapshotFailed { next = max(next, pending + 1) }
    reset(to: .probe)
    self.next = next
    sentCommit = min(sentCommit, next - 1)
  }

  mutating func becomeReplicate() {
    reset(to: .replicate)
    next = match + 1
  }

  mutating func becomeSnapshot(pending index: LogIndex) {
    reset(to: .snapshot(pending: index))
    next = index + 1
    sentCommit = index
  }

  mutating func hear(at tick: Int) {
    isRecentlyActive = true
    lastHeard = tick
  }

  mutating func forgetActivity() { isRecentlyActive = false }

  mutating func pauseFlow() { isFlowPaused = true }
  mutating func resumeFlow() { isFlowPaused = false }

  // MARK: Sending

  /// - Parameter size: Bytes of the entries' data.
  mutating func sent(entries: Int, size: Int) {
    switch state {
    case .replicate:
      if entries > 0 {
        next += LogIndex(entries)
        inflights.add(last: next - 1, size: size)
      }
      isFlowPaused = inflights.isFull
    case .probe: if entries > 0 { isFlowPaused = true }
    case .snapshot: break
    }
  }

  mutating func sent(commit: LogIndex) { sentCommit = commit }

  /// Whether a message without entries would tell the follower more of what is committed.
  func canBumpCommit(to index: LogIndex) -> Bool { index > sentCommit && sentCommit < next - 1 }

  // MARK: Answers

  /// The follower has all up to an index. False if that is no news.
  mutating func update(to index: LogIndex) -> Bool {
    guard index > match else { return false }
    match = index
    next = max(next, index + 1)
    isFlowPaused = false
    return true
  }

  mutating func free(through index: LogIndex) { inflights.free(through: index) }

  /// The follower refused an append behind `rejected`; the logs may agree at `hint` at the latest. False if the
  /// answer is an old one.
  mutating func decrease(rejected: LogIndex, hint: LogIndex) -> Bool {
    if state == .replicate {
      guard rejected > match else { return false }
      next = match + 1
    } else {
      guard next - 1 == rejected else { return false }
      next = max(min(rejected, hint + 1), match + 1)
      isFlowPaused = false
    }
    sentCommit = min(sentCommit, next - 1)
    return true
  }
}

extension Progress: CustomStringConvertible {
  /// As etcd prints it.
  package var description: String {
    var text: String
    switch state {
    case .probe: text = "StateProbe"
    case .replicate: text = "StateReplicate"
    case .snapshot: text = "StateSnapshot"
    }
    text += " match=\(match) next=\(next)"
    if isLearner { text += " learner" }
    if isPaused { text += " paused" }
    if case .snapshot(let pending) = state, pending > 0 { text += " pendingSnap=\(pending)" }
    if !isRecentlyActive { text += " inactive" }
    if inflights.count > 0 {
      text += " inflight=\(inflights.count)\(inflights.isFull ? "[full]" : "")"
    }
    return text
  }
}
