// What this node refuses on the way to another consensus type, beyond what all nodes refuse.

import ChannelConfig

/// Keeps a channel from steps that Fabric lets pass and that lead nowhere, or apart: types that nothing leads to,
/// metadata with which no node would start, and messages before the restart.
///
/// This is asked about what clients hand in, never about what was ordered already: of that, every node has to
/// make the same.
struct MigrationRules {
  /// What channels of solo and Kafka can migrate to.
  private static let target = "etcdraft"

  let judge: any ConsensusJudge

  func check(from current: ConfigBundle, to next: ConfigBundle) throws(ProcessingError) {
    let old = try current.requiredOrderer(orThrow: ProcessingError.internalFailure)
    guard let new = next.orderer else { throw .badRequest("next config is missing orderer group") }
    guard old.consensusType != new.consensusType else { return try checkIsRestarted(old) }
    try checkTarget(from: old, to: new)
    guard new.consensusType != judge.runningConsensusType else { return }
    try judge.validateFounding(current: old, next: new)
  }

  /// Only Raft can be migrated to (as Fabric's own comment says), and before the restart a channel can go back to
  /// the type that it is still ordered with.
  private func checkTarget(
    from old: OrdererGroupConfig, to new: OrdererGroupConfig
  ) throws(ProcessingError) {
    let running = judge.runningConsensusType
    let isWayBack = new.consensusType == running
    let isWayOn = new.consensusType == Self.target && running != Self.target
    guard isWayBack || isWayOn else {
      throw .badRequest(
        """
        attempted to change consensus type from \(old.consensusType) to \(new.consensusType), \
        transition not supported
        """)
    }
  }

  /// Between the change of the type and the restart, nothing but a change back goes: further blocks would be the old
  /// consenter's, and the new one could not tell from the newest block that it has to begin. Nor may messages be taken,
  /// since a node that is restarted would order them with the new type, and one that is not with the old.
  private func checkIsRestarted(_ old: OrdererGroupConfig) throws(ProcessingError) {
    let running = judge.runningConsensusType
    guard old.consensusType != running else { return }
    throw .maintenance(
      """
      this orderer still orders the channel with \(running), and the channel's consensus type is \
      \(old.consensusType): restart all of its orderers first, or change the type back
      """)
  }
}
