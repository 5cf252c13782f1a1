// What a shell tells a node, other than messages of other nodes.

extension RaftCore {
  /// Founds a group, on an empty log: its first entries add its members, and are committed from the start on.
  ///
  /// - Parameter founders: All members, each with the encoded change that adds it.
  package mutating func bootstrap(
    _ founders: [(node: NodeID, change: ArraySlice<UInt8>)]
  ) throws(StartRefusal) {
    guard !founders.isEmpty else { throw .nobody }
    guard log.lastIndex == 0, term == 0 else { throw .notEmpty }
    knownHardState = HardState()
    becomeFollower(1, leader: 0)
    log.append(
      founders.enumerated().map {
        Entry(kind: .change, term: 1, index: LogIndex($0.offset + 1), data: $0.element.change)
      }, &events)
    log.commit(to: LogIndex(founders.count))
    // They are applied when the entries are, once more; a campaign may come before.
    for founder in founders {
      var changer = changer()
      do { try changer.simple([MembershipChange.Step(.addVoter, founder.node)]) } catch {
        throw .membership(error.description)
      }
      switchTo(changer)
    }
  }

  // MARK: Time

  /// A tick of the shell's clock.
  package mutating func tick() {
    guard fault == nil else { return }
    electionElapsed += 1
    if isLeader { return tickAsLeader() }
    if isPromotable, electionElapsed >= electionTimeout {
      electionElapsed = 0
      campaign()
    }
  }

  private mutating func tickAsLeader() {
    updateOffice {
      $0.ticks += 1
      $0.heartbeatElapsed += 1
    }
    if electionElapsed >= configuration.electionTick {
      electionElapsed = 0
      if configuration.checkQuorum { checkQuorum() }
      // A transfer that took so long has failed.
      if let transferee = office?.transferee, transferee != 0 {
        updateOffice { $0.transferee = 0 }
        // It could not be left in the meantime.
        leaveJoint()
      }
    }
    guard let office, office.heartbeatElapsed >= configuration.heartbeatTick else { return }
    updateOffice { $0.heartbeatElapsed = 0 }
    broadcastHeartbeat()
  }

  /// Tries to become leader, without waiting for a time-out. The only voter always succeeds, as soon as its vote is
  /// persisted.
  package mutating func campaign() {
    guard fault == nil else { return }
    campaign(configuration.preVote ? .preElection : .election)
  }

  // MARK: Proposals

  /// Appends data to the log, or hands them on to the leader.
  ///
  /// - Returns: Their index; nil if they were handed on. They may be lost until they are committed with the term of
  ///   now.
  @discardableResult
  package mutating func propose(_ data: ArraySlice<UInt8>) throws(ProposalRefusal) -> LogIndex? {
    try propose([Entry(data: data)], from: id, changes: [nil])
  }

  /// Appends several pieces of data, all or none.
  ///
  /// - Returns: The last one's index; nil if they were handed on.
  @discardableResult
  package mutating func propose(
    all data: [ArraySlice<UInt8>]
  ) throws(ProposalRefusal) -> LogIndex? {
    try propose(
      data.map { Entry(data: $0) }, from: id, changes: Array(repeating: nil, count: data.count))
  }

  /// Proposes a change of membership. If it does not fit what is in force, an empty entry is appended in its place,
  /// and ``Event/changeIgnored(_:members:reason:)`` tells why.
  ///
  /// - Parameters:
  ///   - kind: What the data are: ``Entry/Kind/change`` or ``Entry/Kind/changeV2``.
  ///   - data: The change, encoded. Empty for one that leaves a joint configuration.
  @discardableResult
  package mutating func propose(
    _ change: MembershipChange, as kind: Entry.Kind, data: ArraySlice<UInt8>
  ) throws(ProposalRefusal) -> LogIndex? {
    try propose([Entry(kind: kind, data: data)], from: id, changes: [change])
  }

  // MARK: Leadership

  /// Hands leadership to a voter: at once if its log is complete, else when it is. Given up after an election time-out.
  /// A follower hands the request on.
  package mutating func transferLeadership(to node: NodeID) {
    guard fault == nil else { return }
    transfer(Message(.transferLeader, from: node))
  }

  /// Lets a follower forget its leader, so that it votes before the leader's lease is over; it goes on following as
  /// soon as it hears of it.
  package mutating func forgetLeader() {
    guard fault == nil, case .follower(let leader) = role else { return }
    guard configuration.readSafety != .lease else { return events.append(.forgettingRefused) }
    guard leader != 0 else { return }
    events.append(.forgettingLeader(leader, term: term))
    role = .follower(leader: 0)
  }

  /// Asks for an index that is safe to read at; the answer is a ``ReadState`` with this context.
  package mutating func readIndex(_ context: ArraySlice<UInt8>) {
    guard fault == nil else { return }
    read(Message(.readIndex, entries: [Entry(data: context)]))
  }

  // MARK: Reports

  /// A message to a node is lost.
  package mutating func reportUnreachable(_ node: NodeID) {
    guard fault == nil, isLeader else { return }
    guard var state = progress[node] else { return events.append(.noProgress(of: node)) }
    if state.isReplicating { state.becomeProbe() }
    progress[node] = state
    events.append(.unreachable(node, state))
  }

  /// The connection to a node broke. If it leads and does not come back, its followers campaign as soon as its lease
  /// is over everywhere, one after the other in the order of their ids. Random time-outs would let the group wait
  /// up to twice as long, and let two campaign at the same time.
  package mutating func reportDisconnected(_ node: NodeID) {
    guard fault == nil, isPromotable, role == .follower(leader: node), node != 0 else { return }
    let before = members.voters.voters.count { $0 < id && $0 != node }
    electionTimeout = min(
      configuration.electionTick + 1 + before, 2 * configuration.electionTick - 1)
  }

  /// A snapshot was handed over to a node, or is lost.
  package mutating func reportSnapshot(to node: NodeID, arrived: Bool) {
    guard fault == nil, isLeader else { return }
    guard var state = progress[node] else { return events.append(.noProgress(of: node)) }
    guard case .snapshot = state.state else { return }
    state.becomeProbe(snapshotFailed: !arrived)
    events.append(arrived ? .snapshotSucceeded(node, state) : .snapshotFailed(node, state))
    // If it arrived, its answer tells where to go on; if not, the next try waits for a heartbeat.
    state.pauseFlow()
    progress[node] = state
  }

  // MARK: The disk

  /// A newer snapshot is on the disk, which followers may be sent from now on. Its data may be left out.
  package mutating func snapshotTaken(_ newer: Snapshot) {
    guard fault == nil, newer.index > snapshot.index, newer.index <= log.applying else { return }
    snapshot = newer
  }

  /// The disk lets go of entries up to an index. What the newest snapshot does not stand for is kept.
  package mutating func compact(through index: LogIndex) {
    guard fault == nil else { return }
    log.compact(through: min(index, snapshot.index))
  }
}
