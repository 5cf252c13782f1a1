// How a node talks to the other nodes of its clusters.

/// Bounds and times; the names are those of Fabric's `General.Cluster` where it has them.
package struct ClusterSettings: Sendable {
  /// Streams that one node may have open to another: two for each channel, and those that were given up and that the
  /// other side has not noticed yet.
  package static let maximumStreamsPerNode = 10_000

  /// Messages to one node that may wait, for each channel and kind of message.
  package var sendBufferSize = 100
  /// The same in bytes; a single message may be larger.
  package var sendBufferBytes = 32 << 20
  /// The largest message that is sent, in bytes (Fabric: `General.MaxSendMsgSize`).
  package var maximumMessageBytes = 100 << 20
  /// The longest it may take to hand on a message.
  package var rpcTimeout = Duration.seconds(7)
  /// The wait after a first failure to reach a node; it doubles up to ``longestBackoff``.
  package var shortestBackoff = Duration.milliseconds(50)
  /// The longest wait before a node that could not be reached is tried again. Half of an election time-out at most,
  /// so that whoever comes back is heard in time.
  package var longestBackoff = Duration.milliseconds(500)
  /// Certificates that expire within this time are warned of.
  package var certificateExpirationWarningThreshold = Duration.seconds(7 * 24 * 3600)
  package init() {}
}
