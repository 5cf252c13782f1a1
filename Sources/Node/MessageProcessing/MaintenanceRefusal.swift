// What a channel in maintenance mode refuses.

import ChannelConfig

extension OrdererGroupConfig {
  /// Refuses normal messages in maintenance mode, which is for changing the consensus type and nothing
  /// else. Config updates go on, under the rules of ``MaintenanceFilter`` (Fabric:
  /// `msgprocessor.StandardChannel.ProcessNormalMsg`).
  ///
  /// - Throws: ``ProcessingError/maintenance(_:)``.
  func refuseNormalMessagesInMaintenance() throws(ProcessingError) {
    if consensusState != .normal, capabilities.consensusTypeMigration {
      throw .maintenance("normal transactions are rejected")
    }
  }

  /// Refuses the creation of channels while the system channel is in maintenance mode (Fabric:
  /// `msgprocessor.SystemChannelFilter`).
  ///
  /// - Throws: ``ProcessingError/maintenance(_:)``.
  package func refuseChannelCreationInMaintenance() throws(ProcessingError) {
    guard consensusState == .normal else {
      throw .maintenance("channel creation is not permitted")
    }
  }
}
