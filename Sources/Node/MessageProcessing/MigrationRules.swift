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
    if old.consensusType != new.consensusType { try checkTarget(from: old, to: new) }
    try checkLeavesMaintenance(from: old, to: new)
    let changes =
      old.consensusType != new.consensusType || old.consensusMetadata != new.consensusMetadata
    guard changes, new.consensusType != judge.runningConsensusType else { return }
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

  /// A node that is restarted begins with the new type, and one that is not goes on with the old one: if both took
  /// messages, their blocks would differ.
  private func checkLeavesMaintenance(
    from old: OrdererGroupConfig, to new: OrdererGroupConfig
  ) throws(ProcessingError) {
    let running = judge.runningConsensusType
    guard old.consensusState != .normal, new.consensusState == .normal,
      new.consensusType != running
    else { return }
    throw .maintenance(
      """
      this orderer still orders the channel with \(running), and the channel's consensus type is \
      \(new.consensusType): restart all of its orderers before the channel leaves
      """)
  }
}
