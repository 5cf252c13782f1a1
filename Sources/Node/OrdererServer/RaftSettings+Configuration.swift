// What orderer.yaml says about Raft, in the terms of the Raft consenter.

import OrdererConfiguration
import RaftConsensus

extension RaftSettings {
  /// The settings below `Consensus`, and the certificate by which other nodes know this one: that of the
  /// cluster's own listener if there is one, and that of the client port otherwise.
  ///
  /// - Parameter identity: With which the node signs blocks.
  /// - Throws: ``StartupError`` if a setting cannot be used, or the certificate cannot be read.
  init(_ configuration: OrdererConfiguration, identity: [UInt8]? = nil) throws {
    let consensus = configuration.consensus
    if let interval = consensus.tickIntervalOverride, interval <= .zero {
      throw StartupError(
        """
        Consensus.TickIntervalOverride is \(interval); set it to the time between two ticks, e.g. 500ms, or leave it \
        out
        """)
    }
    self.init(
      logDirectory: consensus.walDir, snapshotDirectory: consensus.snapDir,
      evictionSuspicion: consensus.evictionSuspicion,
      tickIntervalOverride: consensus.tickIntervalOverride,
      serverCertificate: try TLSMaterial.clusterCertificate(configuration.general),
      identity: identity)
  }
}
