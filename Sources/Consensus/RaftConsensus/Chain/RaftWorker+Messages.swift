// What goes to other nodes and comes from them.

import Ordering
import RaftCore

extension RaftWorker {
  // MARK: Coming

  mutating func take(_ contents: RaftInbox.Contents) {
    for member in contents.lost {
      core.reportUnreachable(member)
      core.reportDisconnected(member)
    }
    for member in contents.lostSubmissions {
      handover.lost(member, now: chain.time.now, batchTimeout: rules.timeout)
    }
    for received in contents.messages {
      do throws(RaftCore.StepRefusal) { try core.step(received.message) } catch {
        refused(received, error)
      }
      if let active = received.activeNodes { learn(active, from: received.sender) }
    }
    if let id = contents.youngerID {
      cease("this node is consenter \(id) of the channel by now, and began as \(core.id)")
    }
  }

  private func refused(_ received: RaftInbox.Received, _ refusal: RaftCore.StepRefusal) {
    switch refusal {
    // It does not know of its removal yet, or this node not of its addition.
    case .unknownPeer, .dropped, .halted: break
    case .local, .malformed:
      logger.warning(
        "A message of node \(received.sender) (\(received.message.kind)) is refused: \(refusal)")
    }
  }

  /// The leader tells who is alive.
  private mutating func learn(_ active: [NodeID], from sender: NodeID) {
    let soft = core.softState
    guard sender == soft.leader, sender != core.id else { return }
    untoldTicks = nil
    note(active: Set(active))
  }

  /// Notes who is alive, for whoever asks; nil if that is not known here.
  func note(active: Set<NodeID>?) {
    guard chain.note(active: active, of: core.members.state), let active else { return }
    chain.metrics.activeNodes.record(active.count)
    if core.softState.role != .leader, !active.isEmpty {
      logger.info("Store ActiveNodes \(active.sorted())")
    }
  }

  // MARK: Leaving

  mutating func send(_ message: Message) {
    guard !isGivenUp(message.to) else { return core.reportUnreachable(message.to) }
    if message.kind == .snapshot { return readSnapshot(for: message) }
    if !transmit(message) { core.reportUnreachable(message.to) }
  }

  /// Whether a recovery has given a member up. It may still run on a log that says something else, which must not be
  /// mixed with this one: a node of Go would end.
  private func isGivenUp(_ node: NodeID) -> Bool {
    !core.members.learners.isEmpty && core.members.learners.contains(node)
  }

  private mutating func transmit(_ message: Message) -> Bool {
    let metadata =
      core.softState.role == .leader ? activeNodes.metadata(for: message.to) : []
    let isSent = chain.send(message, metadata: metadata)
    if !isSent { activeNodes.notSent(to: message.to) }
    return isSent
  }

  /// The block that a snapshot stands for is in the ledger.
  private mutating func readSnapshot(for message: Message) {
    guard let number = snapshotBlocks[message.snapshot?.index ?? 0] else {
      return core.reportSnapshot(to: message.to, arrived: false)
    }
    chain.readSnapshot(number, for: message)
  }

  /// Sends a snapshot with the members of now: changes are of one node, so whoever gets it may apply later ones again.
  mutating func sendSnapshot(_ message: Message, _ data: [UInt8]?) {
    var message = message
    guard let data, message.term == core.term, core.softState.role == .leader else {
      return core.reportSnapshot(to: message.to, arrived: false)
    }
    message.snapshot?.data = data[...]
    message.snapshot?.members = core.members.state
    core.reportSnapshot(to: message.to, arrived: transmit(message))
  }
}
