// How patiently blocks are pulled.

/// The settings below `General.Cluster` that begin with `Replication`.
package struct ReplicationSettings: Sendable {
  /// Bytes of blocks that are received before they are verified and committed together. One block may exceed it.
  package var bufferBytes: Int
  /// How long the next block of a stream, or the answer to a probe, may take.
  package var pullTimeout: Duration
  /// The pause after an attempt that brought nothing.
  package var retryTimeout: Duration
  /// Attempts in a row that may bring nothing before a follower's pull fails; 0 for no limit.
  package var maximumAttempts: Int

  package init(
    bufferBytes: Int = 20 << 20, pullTimeout: Duration = .seconds(5),
    retryTimeout: Duration = .seconds(5), maximumAttempts: Int = 12
  ) {
    self.bufferBytes = bufferBytes
    self.pullTimeout = pullTimeout
    self.retryTimeout = retryTimeout
    self.maximumAttempts = maximumAttempts
  }
}
