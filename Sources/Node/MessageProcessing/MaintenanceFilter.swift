// The rules by which a channel may move from one consensus type to another.

import ChannelConfig
import FabricProtos
import Logging

/// Guards the migration of the consensus type, which is possible in maintenance mode only and with
/// no other change along with the switch into and out of that mode (Fabric:
/// `msgprocessor.MaintenanceFilter`, whose words these are, to the letter).
///
/// Nodes have to agree on it: with Kafka each decides by itself about an update that was ordered behind
/// another one. What a node refuses beyond that is ``MigrationRules``'.
struct MaintenanceFilter: Sendable {
  /// The consensus types that a channel may migrate to.
  static let permittedTypes: Set<String> = ["etcdraft", "solo", "kafka"]

  let logger: Logger

  /// Checks the step from one config to the next.
  ///
  /// - Parameters:
  ///   - envelope: the config message that brings `next`, with the update it was made from.
  func check(
    _ envelope: Common_ConfigEnvelope, from current: ConfigBundle, to next: ConfigBundle
  ) throws(ProcessingError) {
    try during("config transaction inspection failed") { () throws(ProcessingError) in
      try inspect(envelope, from: current, to: next)
    }
  }

  private func inspect(
    _ envelope: Common_ConfigEnvelope, from current: ConfigBundle, to next: ConfigBundle
  ) throws(ProcessingError) {
    let old = try current.requiredOrderer(orThrow: ProcessingError.internalFailure)
    guard let new = next.orderer else { throw .badRequest("next config is missing orderer group") }
    let typeChanges = old.consensusType != new.consensusType
    let types = "from \(old.consensusType) to \(new.consensusType)"
    let states = "from \(old.consensusState.fabricName) to \(new.consensusState.fabricName)"

    guard old.capabilities.consensusTypeMigration else {
      guard new.consensusState == .normal else {
        throw .badRequest(
          "next config attempted to change ConsensusType.State to "
            + "\(new.consensusState.fabricName), but capability is disabled")
      }
      guard !typeChanges else {
        throw .badRequest(
          "next config attempted to change ConsensusType.Type \(types), but capability is disabled")
      }
      return
    }

    if old.consensusState != new.consensusState {
      try checkChangesConsensusTypeOnly(envelope)
      guard !typeChanges else {
        throw .badRequest(
          "attempted to change ConsensusType.Type \(types), but ConsensusType.State is changing "
            + states)
      }
      guard old.consensusMetadata == new.consensusMetadata else {
        throw .badRequest(
          "attempted to change ConsensusType.Metadata, but ConsensusType.State is changing "
            + states)
      }
      logger.info(
        """
        [channel: \(current.channelID)] maintenance mode: ConsensusType.State about to change \
        \(states)
        """)
    }
    if typeChanges { try checkTypeChange(from: old, to: new, types, current.channelID) }
  }

  private func checkTypeChange(
    from old: OrdererGroupConfig, to new: OrdererGroupConfig, _ types: String, _ channelID: String
  ) throws(ProcessingError) {
    let attempt = "attempted to change consensus type \(types)"
    guard old.consensusState != .normal else {
      throw .badRequest(
        "\(attempt), but current config ConsensusType.State is not in maintenance mode")
    }
    guard new.consensusState != .normal else {
      throw .badRequest(
        "\(attempt), but next config ConsensusType.State is not in maintenance mode")
    }
    guard Self.permittedTypes.contains(new.consensusType) else {
      throw .badRequest("\(attempt), transition not supported")
    }
    if new.consensusType == "etcdraft" {
      guard (try? Etcdraft_ConfigMetadata(serializedBytes: new.consensusMetadata)) != nil else {
        throw .badRequest(
          "failed to unmarshal etcdraft metadata configuration: proto: cannot parse invalid "
            + "wire-format data")
      }
    }
    logger.info("[channel: \(channelID)] consensus-type migration: about to change \(types)")
  }

  /// The update must write nothing but `ConsensusType` of the Orderer group.
  private func checkChangesConsensusTypeOnly(
    _ envelope: Common_ConfigEnvelope
  ) throws(ProcessingError) {
    let update = try ConfigUpdateMessage(try lastUpdate(of: envelope)).update
    let root = update.writeSet
    guard !root.groups.isEmpty else { throw .badRequest("config update contains no changes") }
    guard root.values.isEmpty else {
      throw .badRequest("config update contains changes to values in group Channel")
    }
    guard root.groups.count == 1 else {
      throw .badRequest("config update contains changes to more than one group")
    }
    guard let orderer = root.groups["Orderer"] else {
      throw .badRequest("update does not contain the Orderer group")
    }
    guard orderer.groups.isEmpty else {
      throw .badRequest("config update contains changes to groups within the Orderer group")
    }
    guard orderer.values["ConsensusType"] != nil else {
      throw .badRequest("config update does not contain the ConsensusType value")
    }
    guard orderer.values.count == 1 else {
      throw .badRequest(
        "config update contain more then just the ConsensusType value in the Orderer group")
    }
  }
}

extension Orderer_ConsensusType.State {
  /// The name in Fabric's protobuf definitions.
  var fabricName: String {
    switch self {
    case .normal: "STATE_NORMAL"
    case .maintenance: "STATE_MAINTENANCE"
    case .UNRECOGNIZED(let number): "\(number)"
    }
  }
}
