// What the core wants on the disk, on its way there.

import RaftCore

/// The queue in front of a channel's log: while one write is under way, others gather, and then share a write
/// and a synchronization with the disk.
///
/// A value of the chain's task.
package struct LogWriter: Sendable {
  package enum Job: Sendable {
    case persist(RaftCore.Persist)
    /// A snapshot of this node, with the hard state as of then.
    case snapshot(Snapshot, HardState)
    /// A snapshot of the leader, in place of the log, with the hard state that goes with it.
    case received(Snapshot, HardState)
  }

  private var queued: [Job] = []
  private(set) var isWriting = false
  /// As of the newest job.
  private var hardState: HardState

  /// - Parameter hardState: What is on the disk.
  init(hardState: HardState) { self.hardState = hardState }

  var isIdle: Bool { queued.isEmpty && !isWriting }

  mutating func add(_ persist: RaftCore.Persist) {
    if let state = persist.hardState { hardState = state }
    if let snapshot = persist.snapshot { queued.append(.received(snapshot, hardState)) }
    queued.append(.persist(persist))
  }

  mutating func add(_ snapshot: Snapshot) {
    // Only what was queued before can be on the disk before it.
    queued.append(.snapshot(snapshot, hardState))
  }

  /// Takes all jobs, unless some are under way; nil if there is nothing to do.
  mutating func begin() -> [Job]? {
    guard !isWriting, !queued.isEmpty else { return nil }
    defer { queued = [] }
    isWriting = true
    return queued
  }

  mutating func end() { isWriting = false }
}
