// How a Raft chain's core ends.

import Ordering

extension RaftWorker {
  /// Whether a halted chain can end: all that was acknowledged is in the ledger and another node leads, or waiting for
  /// that has no point.
  package func isDone(isDrained: Bool) -> Bool {
    if isDrained, isQuiet, !isLeadingOthers { return true }
    return !canFinish
  }

  /// Whether all that was acknowledged is in the ledger, or with the node that leads: others may not reach this one any
  /// more.
  package var isQuiet: Bool {
    (kept.isEmpty || isHandedOn) && backlog.isEmpty && cutter.pending.isEmpty
      && office.inFlight == 0
      && (office.pause == nil || office.pause == .transfer) && applying == nil
  }

  /// Whether the node that leads has all that this node's clients have handed in.
  private var isHandedOn: Bool {
    core.softState.role != .leader && !kept.hasNext && handover.isOpen
  }

  /// Whether what was acknowledged can get into the ledger before the chain ends.
  private var canFinish: Bool {
    guard !hasCeased, chain.obstruction == nil else { return false }
    guard isOnlyVoter else {
      return core.softState.leader != 0 && haltTicks <= chain.options.electionTicks
    }
    if case .none = office { return false }
    return true
  }

  /// Tells an operator what the end of this chain loses.
  func warnOfLoss() {
    guard !kept.isEmpty, !isHandedOn else { return }
    logger.warning(
      """
      \(kept.count) transaction(s) that were acknowledged are in no block here, and no leader could be given them \
      before this node ceased to order: they are lost unless an earlier leader has them
      """)
  }

  /// Notes the ends of what was under way when the chain ended, and nothing else of them.
  package mutating func noteEnds(_ events: [RaftEvent]) {
    for event in events {
      switch event {
      case .persisted, .persistingFailed: writer.end()
      case .applied, .applyingFailed: applying = nil
      case .caughtUp, .catchingUpFailed: catchingUp.end()
      case .loaded, .loadingFailed, .snapshotRead, .handedOn, .pulled, .newestConfiguration: break
      }
    }
  }

  /// Whether the log or the ledger is still being written.
  package var isBusy: Bool { writer.isWriting || applying != nil || catchingUp.isPulling }
}
