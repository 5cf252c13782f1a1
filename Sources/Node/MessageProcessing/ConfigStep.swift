// What is asked about the step from one configuration to the next, once its signatures suffice.

import ChannelConfig
import FabricProtos
import Logging

/// A config update that was applied, before it becomes a message.
///
/// The checks stand by themselves, in the order in which a node asks them, so that a tool can tell all that speaks
/// against an update.
package struct ConfigStep: Sendable {
  /// The config message that brings ``next``, with the update it was made from.
  package let message: Common_ConfigEnvelope
  package let current: ConfigBundle
  package let next: ConfigBundle

  /// Reads what an update leads to, and checks that it may follow (Fabric: `ChainSupport.ProposeConfigUpdate`).
  ///
  /// - Throws: ``ProcessingError/badRequest(_:)``
  package init(
    _ message: Common_ConfigEnvelope, from current: ConfigBundle
  ) throws(ProcessingError) {
    self.message = message
    self.current = current
    do {
      next = try ConfigBundle(channelID: current.channelID, config: message.config)
      try next.checkCapabilitiesSupported()
      try current.validateNext(next)
      try current.checkKeysAreReadable(in: next)
    } catch {
      throw .badRequest("\(error)")
    }
  }

  /// Lets the channel's consenter judge what becomes of its metadata.
  package func checkConsensusMetadata(_ judge: any ConsensusJudge) throws(ProcessingError) {
    guard let orderer = next.orderer else {
      throw .badRequest("the new config has no Orderer group")
    }
    let old = try current.requiredOrderer(orThrow: ProcessingError.internalFailure)
    try during("consensus metadata update for channel config update is invalid") {
      () throws(ProcessingError) in
      try judge.validateConsensusMetadata(current: old, next: orderer, isNewChannel: false)
    }
  }

  /// The rules of maintenance mode, on which all nodes agree.
  package func checkMaintenance(_ logger: Logger) throws(ProcessingError) {
    try during(Self.maintenanceChecks) { () throws(ProcessingError) in
      try MaintenanceFilter(logger: logger).check(message, from: current, to: next)
    }
  }

  /// What this node refuses beyond them, as long as the update is not ordered.
  package func checkMigration(_ judge: any ConsensusJudge) throws(ProcessingError) {
    try during(Self.maintenanceChecks) { () throws(ProcessingError) in
      try MigrationRules(judge: judge).check(from: current, to: next)
    }
  }

  private static let maintenanceChecks =
    "config update for existing channel did not pass maintenance checks"
}
