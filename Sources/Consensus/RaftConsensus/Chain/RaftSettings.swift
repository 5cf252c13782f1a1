// What orderer.yaml says about Raft.

/// The settings of the Raft consenter.
package struct RaftSettings: Sendable, Equatable {
  /// A folder for each channel's log (`Consensus.WALDir`).
  package var logDirectory: String
  /// A folder for each channel's snapshots (`Consensus.SnapDir`).
  package var snapshotDirectory: String
  /// After how long without a leader this node asks others whether it still is a consenter
  /// (`Consensus.EvictionSuspicion`); nil if it is not set.
  package var evictionSuspicion: Duration?
  /// A tick interval instead of that of the channels (`Consensus.TickIntervalOverride`), more than zero.
  package var tickIntervalOverride: Duration?
  /// The certificate by which others know this node, in PEM: that of the cluster's listener. Nil without TLS,
  /// and then this node orders no Raft channel.
  package var serverCertificate: [UInt8]?
  /// The identity with which this node signs blocks, by which it knows its own; nil: all are taken for its own.
  package var identity: [UInt8]?

  package init(
    logDirectory: String, snapshotDirectory: String, evictionSuspicion: Duration? = nil,
    tickIntervalOverride: Duration? = nil, serverCertificate: [UInt8]?,
    identity: [UInt8]? = nil
  ) {
    self.logDirectory = logDirectory
    self.snapshotDirectory = snapshotDirectory
    self.evictionSuspicion = evictionSuspicion
    self.tickIntervalOverride = tickIntervalOverride
    self.serverCertificate = serverCertificate
    self.identity = identity
  }
}
