// What tells one entry of the log from all others.

/// An entry's term and index: the same in two logs means the same entry, and the same entries before it.
package struct LogPosition: Equatable, Sendable {
  package var term: Term
  package var index: LogIndex

  package init(term: Term = 0, index: LogIndex = 0) {
    self.term = term
    self.index = index
  }

  /// Whether a log that ends here has all that a log ending there has (dissertation, 3.6.1).
  func isUpToDate(with other: LogPosition) -> Bool {
    term > other.term || term == other.term && index >= other.index
  }
}

extension Entry {
  package var position: LogPosition { LogPosition(term: term, index: index) }

  /// Bytes of the entry in etcd's encoding, by which limits count; empty data are absent there.
  package var encodedSize: Int {
    let head =
      3 + Self.varintSize(UInt64(kind.rawValue)) + Self.varintSize(term)
      + Self.varintSize(index)
    return data.isEmpty ? head : head + 1 + data.count + Self.varintSize(UInt64(data.count))
  }

  private static func varintSize(_ value: UInt64) -> Int {
    (64 - (value | 1).leadingZeroBitCount + 6) / 7
  }
}
