// What clients have handed in, on its way to whoever leads.

import Ordering

extension RaftWorker {
  /// Messages and bytes that go to the leader at once.
  private static let burstCount = 500
  private static let burstBytes = 1 << 20

  /// Whether there is room for more.
  package var takesMessages: Bool {
    guard !hasCeased, kept.hasRoom else { return false }
    if isFollowing { return true }
    return office.hasRoom && backlog.isEmpty && !kept.hasNext
  }

  /// Whether another node leads.
  private var isFollowing: Bool { core.softState.role != .leader && core.softState.leader != 0 }

  package mutating func take(_ submissions: [Submission]) {
    for submission in submissions {
      switch submission {
      case .own(let message): kept.keep(message)
      case .foreign(let message, let sender):
        // The node that it comes from hands it to the next leader.
        guard office.isLeading || office.pause != nil,
          taken.take(message.origin, from: sender, term: core.term)
        else { continue }
        backlog.append(checked(message))
      }
    }
  }

  /// Another node may know a configuration that this one does not have yet.
  private func checked(_ message: OrderedMessage) -> OrderedMessage {
    guard message.configSequence > rules.sequence else { return message }
    return OrderedMessage(
      envelope: message.envelope, configSequence: 0, isConfig: message.isConfig)
  }

  /// The next message to order, and whether this node keeps it; nil if none waits.
  mutating func nextMessage() -> (message: OrderedMessage, isOwn: Bool)? {
    if let message = backlog.popFirst() { return (message, false) }
    return kept.next().map { ($0, true) }
  }

  /// Hands on to another leader what this node's clients have handed in.
  mutating func handOn() {
    guard isFollowing else { return }
    if core.term(at: core.applied) == core.term { handover.settled() }
    guard handover.isOpen else { return }
    let burst = kept.nextBurst(
      maximumCount: Self.burstCount, maximumBytes: Self.burstBytes, as: origin(of:)
    ).map(leftToTheLeader)
    guard !burst.isEmpty else { return }
    countResubmitted(kept.takeResubmitted())
    handover.begin()
    logger.info("Forwarding transaction to the leader \(handover.leader)")
    chain.submit(burst, to: handover.leader, number: handover.number)
  }

  /// An update of which this node does not know whether it leaves a majority goes as one that an older configuration
  /// allows: leaders of every release validate that again, by what they know themselves.
  private func leftToTheLeader(_ message: OrderedMessage) -> OrderedMessage {
    guard message.isConfig, message.configSequence > 0,
      !chain.knowsWhoIsAlive
    else { return message }
    return OrderedMessage(
      envelope: message.envelope, configSequence: message.configSequence - 1, isConfig: true,
      origin: message.origin)
  }

  private func origin(of number: UInt64) -> SubmissionOrigin {
    SubmissionOrigin(
      life: life, term: core.term, series: handover.number, number: number + 1)
  }

  mutating func handedOn(_ number: Int, _ refusal: ClusterRefusal?) {
    guard let refusal else { return handover.handedOn(number) }
    guard number == handover.number else { return }
    logger.warning(
      "Transactions could not be handed on to the leader \(handover.leader), and go again: \(refusal)"
    )
    handover.lost(handover.leader, now: chain.time.now, batchTimeout: rules.timeout)
  }

  func countResubmitted(_ count: Int) {
    guard count > 0 else { return }
    chain.metrics.resubmitted.increment(by: count)
    logger.info("\(count) transaction(s) that are in no block yet are submitted again")
  }
}
