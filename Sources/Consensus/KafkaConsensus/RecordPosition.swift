// Which record of a topic comes next.

/// Where a chain is in its topic.
///
/// The records of a topic follow each other without gaps, unless brokers misbehave. A node that
/// went on after a gap would write different blocks from nodes that have the missing records.
struct RecordPosition: Sendable {
  /// After this many attempts, about ten seconds, a gap counts as lasting.
  static let maximumGaps = 8

  /// Offset of the next record.
  private(set) var expected: Int64
  /// How often in a row the record at that offset was missing.
  private var gaps = 0

  /// Begins with the record that the newest block ended with, which is read again only to look at it.
  init(_ offsets: KafkaOffsets) {
    expected = offsets.isBeginning ? 0 : offsets.lastPersisted
  }

  /// Goes beyond a record that was read; false if records are missing before it.
  mutating func advance(beyond offset: Int64) -> Bool {
    guard offset <= expected else { return false }
    expected = max(expected, offset + 1)
    gaps = 0
    return true
  }

  /// Goes beyond the expected record without reading it.
  mutating func skip() { expected += 1 }

  /// How long to wait before the expected record is looked for again; nil if it is missing for good.
  mutating func pauseAfterGap() -> Duration? {
    gaps += 1
    return gaps > Self.maximumGaps ? nil : .milliseconds(50) * (1 << min(gaps, 6))
  }
}
