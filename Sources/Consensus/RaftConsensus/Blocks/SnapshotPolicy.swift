// When a channel takes a snapshot, so that its log does not grow for ever.

/// Counts the entries that were applied since the last snapshot.
///
/// Nodes take snapshots independently of each other; nothing that others see depends on this.
package struct SnapshotPolicy: Sendable, Equatable {
  /// Bytes after which a snapshot is due.
  package private(set) var interval: Int
  private(set) var accumulated = 0

  package init(interval: Int) { self.interval = interval }

  /// The configuration has changed.
  package mutating func change(interval: Int) { self.interval = interval }

  /// An entry with so many bytes of data was applied, if only again after a restart.
  package mutating func applied(bytes: Int) { accumulated += bytes }

  /// Whether a snapshot is due.
  package var isDue: Bool { accumulated >= interval && accumulated > 0 }

  /// A snapshot is being taken.
  ///
  /// - Returns: How many bytes have accumulated since the last one.
  package mutating func take() -> Int {
    defer { accumulated = 0 }
    return accumulated
  }
}
