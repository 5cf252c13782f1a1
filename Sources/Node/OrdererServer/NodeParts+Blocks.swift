// Where a node gets the blocks that others have made.

import Concurrency
import FabricLogging
import Foundation
import Membership
import OrdererConfiguration
import Replication

extension NodeParts {
  /// Pulls blocks as `General.Cluster` says.
  ///
  /// - Parameter isPatient: Whether pulls go on without a limit of attempts.
  static func puller(
    _ configuration: OrdererConfiguration, over dialer: OrdererDialer, signer: any Signer,
    isPatient: Bool, time: any TimeSource, logging: FabricLogging
  ) -> BlockPuller {
    let cluster = configuration.general.cluster
    return BlockPuller(
      network: DeliverDialer(dialer: dialer),
      requests: SeekRequests(signer: signer, now: { Date() }),
      settings: ReplicationSettings(
        bufferBytes: cluster.replicationBufferSize, pullTimeout: cluster.replicationPullTimeout,
        retryTimeout: cluster.replicationRetryTimeout,
        maximumAttempts: cluster.replicationMaxRetries),
      isPatient: isPatient, time: time, logger: logging.logger("orderer.common.cluster.puller"))
  }
}
