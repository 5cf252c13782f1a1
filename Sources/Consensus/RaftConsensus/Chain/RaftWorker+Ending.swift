// How a Raft chain's task ends.

import Ordering

extension RaftWorker {
  /// Whether a halted chain can end: all that was acknowledged is in the ledger and another node leads, or waiting for
  /// that has no point.
  func isDone(isDrained: Bool) -> Bool {
    if isDrained, isQuiet, !isLeadingOthers { return true }
    return !canFinish
  }

  /// Whether all that was acknowledged is in the ledger, or with the node that leads: others may not reach this one any
  /// more.
  var isQuiet: Bool {
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

  /// Waits for what is under way in the log and the ledger, which has to end by itself.
  mutating func finish() async {
    if !kept.isEmpty, !isHandedOn {
      logger.warning(
        """
        \(kept.count) transaction(s) that were acknowledged are in no block here, and no leader could be given them \
        before this node ceased to order: they are lost unless an earlier leader has them
        """)
    }
    ticker.run(false)
    alarm.stop()
    catchingUp.cancel()
    inquiry?.cancel()
    while true {
      for event in chain.events.take() {
        switch event {
        case .persisted, .persistingFailed: writer.end()
        case .applied, .applyingFailed: applying = nil
        case .caughtUp, .catchingUpFailed: catchingUp.end()
        case .loaded, .loadingFailed, .snapshotRead, .handedOn, .pulled, .newestConfiguration: break
        }
      }
      guard writer.isWriting || applying != nil || catchingUp.isPulling else { return }
      _ = await chain.queue.next(takesElements: false)
    }
  }
}
