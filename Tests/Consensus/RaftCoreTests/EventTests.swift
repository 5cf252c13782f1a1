import Testing

@testable import RaftCore

/// Lines that tools read and no trace shows. Numbers of nodes are hexadecimal, all others decimal.
@Suite struct EventTests {
  private static let progress = Progress(
    match: 3, next: 12, inflights: Inflights(maximumCount: 1, maximumSize: .max), isLearner: true)

  @Test(arguments: [
    (RaftCore.Event.alreadyLeader, "1f ignoring MsgHup because already leader"),
    (
      .changesForbidCampaign(term: 4),
      """
      1f cannot campaign at term 4 since there are still pending configuration changes to apply
      """
    ),
    (
      .proposalNotForwarded(leader: 16, term: 9),
      "1f not forwarding to leader 10 at term 9; dropping proposal"
    ),
    (.noProgress(of: 255), "1f no progress available for ff"),
    (
      .snapshotToInactive(16), "ignore sending snapshot to 10 since it is not recently active"
    ),
    (
      .snapshotSucceeded(2, progress),
      """
      1f snapshot succeeded, resumed sending replication messages to 2 \
      [StateProbe match=3 next=12 learner inactive]
      """
    ),
    (
      .snapshotIgnored(commit: 7, snapshot: LogPosition(term: 2, index: 5)),
      "1f [commit: 7] ignored snapshot [index: 5, term: 2]"
    ),
    (
      .fastForwarded(
        commit: 5, last: LogPosition(term: 2, index: 9), snapshot: LogPosition(term: 2, index: 7)),
      """
      1f [commit: 5, lastindex: 9, lastterm: 2] fast-forwarded commit to snapshot [index: 7, term: 2]
      """
    ),
    (
      .snapshotWithoutUs(MembershipState(voters: [1, 2], autoLeave: true)),
      """
      1f attempted to restore snapshot but it is not in the ConfState {[1 2] [] [] [] true}; \
      should never happen
      """
    ),
    (
      .transferAborted(term: 3, to: 10), "1f [term 3] abort previous transferring leadership to a"
    ),
    (
      .timeoutNowIgnored(term: 3, .preCandidate, from: 10),
      "1f [term 3 state StatePreCandidate] ignored MsgTimeoutNow from a"
    ),
    (.timeoutNowSent(to: 2, atOnce: false), "1f sent MsgTimeoutNow to 2 after received MsgAppResp"),
    (.unstableTruncated(before: 6), "truncate the unstable entries before index 6"),
    (.readWithoutLeader(term: 2), "1f no leader at term 2; dropping index reading msg"),
  ])
  func linesAreEtcds(_ event: RaftCore.Event, _ line: String) {
    #expect(event.text(of: 31) == line)
  }

  @Test func changesArePrintedAsGoDoes() {
    let change = MembershipChange(
      transition: .jointExplicit, steps: [.init(.addLearner, 3), .init(.remove, 20)],
      context: [7, 8])
    #expect(
      change.etcdText(as: .changeV2)
        == "{ConfChangeTransitionJointExplicit "
        + "[{ConfChangeAddLearnerNode 3} {ConfChangeRemoveNode 20}] [7 8]}")
    let first = MembershipChange(steps: [.init(.update, 3)])
    #expect(first.etcdText(as: .change) == "{ConfChangeUpdateNode 3 [] 0}")
  }
}
