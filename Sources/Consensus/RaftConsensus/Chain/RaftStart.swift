// How a channel's Raft node starts, from what is on the disk.

/// The kind of a start (Fabric: `etcdraft.Chain.Start`).
package enum RaftStart: Sendable, Equatable {
  /// What is found when a channel is opened.
  package struct Facts: Sendable, Equatable {
    /// Whether there is a log.
    package var hasLog: Bool
    /// Whether there are snapshots.
    package var hasSnapshots: Bool
    /// Blocks in the ledger, at least 1.
    package var height: UInt64
    /// Whether the newest block has metadata of this consenter.
    package var hasMetadata: Bool

    package init(hasLog: Bool, hasSnapshots: Bool, height: UInt64, hasMetadata: Bool) {
      self.hasLog = hasLog
      self.hasSnapshots = hasSnapshots
      self.height = height
      self.hasMetadata = hasMetadata
    }
  }

  /// The channel begins: a fresh log says who its consenters are.
  case bootstrap
  /// The channel comes from another consensus type: as ``bootstrap``, on top of its blocks.
  case migration
  /// Others order the channel already: an empty log waits to be filled by their leader.
  case join
  /// The log and the snapshots say where to go on.
  case restart
  /// The log is gone although there was one. What this node voted for and promised to keep is forgotten, so
  /// it must not vote again.
  case lostLog

  /// Whether the group begins with this start.
  var isNew: Bool {
    switch self {
    case .bootstrap, .migration: true
    case .join, .restart, .lostLog: false
    }
  }

  package init(_ facts: Facts) {
    self =
      if facts.hasLog {
        .restart
      } else if facts.hasSnapshots {
        .lostLog
      } else if facts.height <= 1 {
        .bootstrap
      } else {
        facts.hasMetadata ? .join : .migration
      }
  }
}
