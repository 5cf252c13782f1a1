// How a leader gives way: to make room for an update that concerns itself, because its disk is full, or to stop.

import Ordering
import RaftCore

extension RaftWorker {
  /// Whether a config message removes this node or rotates its certificate, while there are others who could lead: then
  /// one of them makes the block.
  func concernsThisNode(_ message: OrderedMessage) -> Bool {
    guard !isOnlyVoter,
      case .written(let config)? = try? ConsensusTypeUpdate(in: message.envelope),
      let (_, change) = try? applier.consenters.changed(to: config.consenters)
    else { return false }
    switch change {
    case .removed(let id), .rotated(let id, _): return id == core.id
    case .none, .added: return false
    }
  }

  /// Hands leadership on. The update is kept here until the next leader has made a block of it, also if another node
  /// handed it on.
  mutating func giveWay(for message: OrderedMessage, isOwn: Bool) {
    if !isOwn { kept.keep(message) }
    guard office.isLeading else { return }
    logger.info(
      "An update removes this leader or rotates its certificate: leadership is transferred first")
    beginTransfer(.update(message))
  }

  /// A halted leader that has written everything hands leadership on.
  mutating func giveWayIfDone() {
    guard transfer == nil, haltTicks <= chain.options.electionTicks, isLeadingOthers, isQuiet else {
      return
    }
    beginTransfer(.halt)
  }

  /// A leader that is about to stop hands leadership on, while other nodes can reach it. What its clients hand in from
  /// now on goes to the next leader.
  mutating func giveWayOnce() throws {
    guard !hasGivenWay, transfer == nil, office.isLeading, isLeadingOthers else { return }
    hasGivenWay = true
    try cut()
    guard office.isLeading else { return }
    beginTransfer(.relief)
  }

  /// A leader whose log takes no entries lets another node make blocks.
  private mutating func giveWayIfObstructed() {
    guard transfer == nil, office.isLeading, isLeadingOthers, let reason = chain.obstruction else {
      return
    }
    logger.warning("Leadership is handed on, since \(reason)")
    beginTransfer(.relief)
  }

  var isLeadingOthers: Bool { core.softState.role == .leader && !isOnlyVoter }

  mutating func tickTransfer() {
    giveWayIfObstructed()
    guard transfer?.tick() == true else { return }
    tryTransfer()
  }

  private mutating func beginTransfer(_ purpose: LeaderTransfer.Purpose) {
    office.pause(for: .transfer)
    transfer = LeaderTransfer(purpose, electionTicks: chain.options.electionTicks)
    tryTransfer()
  }

  private mutating func tryTransfer() {
    let progress = core.status.progress
    let candidates = core.activeVoters.filter { $0 != core.id }
      .sorted { (progress[$0]?.match ?? 0, $1) > (progress[$1]?.match ?? 0, $0) }
    if let node = transfer?.next(candidates) {
      logger.info("Transferring leadership to node \(node)")
      return core.transferLeadership(to: node)
    }
    switch transfer?.purpose {
    case .update(let message): giveUp(message)
    // Nobody is there to take it: the rest elect a leader when they can.
    case .halt: haltTicks = chain.options.electionTicks + 1
    case .relief:
      transfer = nil
      office.resume()
    case nil: break
    }
  }

  private mutating func giveUp(_ message: OrderedMessage) {
    transfer = nil
    logger.error(
      """
      An update that removes this leader or rotates its certificate is dropped: leadership could not be transferred \
      to another node. Submit it again once the other nodes are up
      """)
    kept.discard(message)
    chain.metrics.proposalFailures.increment()
    office.resume()
  }
}
