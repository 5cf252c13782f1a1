// How a node sees itself and its group, for operators and tests.

extension RaftCore {
  package struct Status: Equatable, Sendable {
    package let id: NodeID
    package let softState: SoftState
    package let hardState: HardState
    package let applied: LogIndex
    package let firstIndex: LogIndex
    package let lastIndex: LogIndex
    /// Whom leadership goes to; 0: to nobody.
    package let transferee: NodeID
    package let members: Members
    /// Of all members, on the leader alone.
    package let progress: ProgressMap
    package let fault: Fault?
  }

  package var status: Status {
    Status(
      id: id, softState: softState, hardState: hardState, applied: log.applied,
      firstIndex: log.firstIndex, lastIndex: log.lastIndex, transferee: office?.transferee ?? 0,
      members: members, progress: isLeader ? progress : ProgressMap(), fault: fault)
  }

  package var committed: LogIndex { log.committed }
  package var applied: LogIndex { log.applied }
  package var lastIndex: LogIndex { log.lastIndex }
  package var last: LogPosition { log.last }
  package func term(at index: LogIndex) -> Term? { log.term(at: index) }

  /// Voters that a leader has heard of within the last election time-out, itself among them. Nobody on others.
  package var activeVoters: [NodeID] {
    guard let office else { return [] }
    return members.voters.voters.filter { node in
      guard node != id else { return true }
      guard let heard = progress[node]?.lastHeard else { return false }
      return office.ticks - heard <= configuration.electionTick
    }
  }
}
