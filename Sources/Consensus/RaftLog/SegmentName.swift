// What the files of the log and of snapshots are called.

import RaftCore
import RaftWire

/// The name of a segment: its place in the sequence, and the index of the first entry to come after the
/// segment before it (etcd: `%016x-%016x.wal`).
package struct SegmentName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let sequence: UInt64
  package let firstIndex: LogIndex

  package init(sequence: UInt64, firstIndex: LogIndex) {
    self.sequence = sequence
    self.firstIndex = firstIndex
  }

  /// Nil for other files, such as those of SmartBFT, whose names have one number.
  package init?(_ name: String) {
    guard let (sequence, index) = numbers(name, suffix: ".wal") else { return nil }
    self.init(sequence: sequence, firstIndex: index)
  }

  package var description: String { "\(digits(sequence))-\(digits(firstIndex)).wal" }

  package static func < (left: SegmentName, right: SegmentName) -> Bool {
    (left.sequence, left.firstIndex) < (right.sequence, right.firstIndex)
  }
}

/// The name of a snapshot file (etcd: `%016x-%016x.snap` of term and index). The newest is the greatest.
package struct SnapshotName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let mark: SnapshotMark

  package init(_ mark: SnapshotMark) { self.mark = mark }

  package init?(_ name: String) {
    guard let (term, index) = numbers(name, suffix: ".snap") else { return nil }
    self.init(SnapshotMark(index: index, term: term))
  }

  package var description: String { "\(digits(mark.term))-\(digits(mark.index)).snap" }

  package static func < (left: SnapshotName, right: SnapshotName) -> Bool {
    (left.mark.term, left.mark.index) < (right.mark.term, right.mark.index)
  }
}

private func digits(_ value: UInt64) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: 16 - text.count) + text
}

/// The two numbers of a name of the form `0123456789abcdef-0123456789abcdef` and `suffix`.
private func numbers(_ name: String, suffix: String) -> (UInt64, UInt64)? {
  guard name.hasSuffix(suffix) else { return nil }
  let parts = name.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
  guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 16 }),
    parts.allSatisfy({ $0.utf8.allSatisfy(isDigit) }),
    let first = UInt64(parts[0], radix: 16), let second = UInt64(parts[1], radix: 16)
  else { return nil }
  return (first, second)
}

/// Whether a byte is a hexadecimal digit as Go prints it.
private func isDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}
