// Records of etcd's write-ahead log: walpb.Record, and the walpb.Snapshot that one of them holds.

import RaftCore

/// A record of the write-ahead log.
package struct LogRecord: Equatable, Sendable, WireCodable {
  /// What the data of a record is. Raw values are etcd's.
  package enum Kind: UInt32, Sendable {
    /// Of the log as a whole; etcdraft has none, so the data is empty.
    case metadata = 1
    /// An ``Entry``.
    case entry = 2
    /// A ``HardState``.
    case hardState = 3
    /// No data; `crc` is the checksum of all records of the segments before.
    case checksum = 4
    /// A ``SnapshotMark``.
    case snapshot = 5
  }

  package static let wireName = "walpb.Record"
  package static var absent: LogRecord { LogRecord(rawKind: 0, crc: 0, data: []) }

  /// A ``Kind``, unless the record is damaged.
  package var rawKind: UInt64
  /// CRC-32C of the data of all records up to this one.
  package var crc: UInt32
  package var data: ArraySlice<UInt8>

  package var kind: Kind? { UInt32(exactly: rawKind).flatMap(Kind.init(rawValue:)) }

  package init(rawKind: UInt64, crc: UInt32, data: ArraySlice<UInt8>) {
    self.rawKind = rawKind
    self.crc = crc
    self.data = data
  }

  package var wireSize: Int {
    FieldSize.number(rawKind) + FieldSize.number(UInt64(crc)) + FieldSize.bytes(data)
  }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, number: rawKind)
    bytes.append(2, number: UInt64(crc))
    bytes.append(3, bytes: data)
  }

  /// Bytes of a record with `dataSize` bytes of data.
  package static func size(_ kind: Kind, crc: UInt32, dataSize: Int) -> Int {
    FieldSize.number(UInt64(kind.rawValue)) + FieldSize.number(UInt64(crc))
      + (dataSize == 0 ? 0 : FieldSize.delimited(dataSize))
  }

  /// Appends what stands before `dataSize` bytes of data, which are the end of the record.
  package static func appendHead(
    _ kind: Kind, crc: UInt32, dataSize: Int, to bytes: inout [UInt8]
  ) {
    bytes.append(1, number: UInt64(kind.rawValue))
    bytes.append(2, number: UInt64(crc))
    if dataSize > 0 { bytes.append(3, headOf: dataSize) }
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: rawKind = try field.numeric()
    case 2: crc = UInt32(truncatingIfNeeded: try field.numeric())
    case 3: data = try field.bytes()
    default: break
    }
  }
}

/// What the log says of a snapshot (walpb.Snapshot).
package struct SnapshotMark: Hashable, Sendable {
  package var index: LogIndex
  package var term: Term

  package init(index: LogIndex = 0, term: Term = 0) {
    self.index = index
    self.term = term
  }
}

/// A ``SnapshotMark`` with the members at the snapshot, as the log holds it.
package struct SnapshotRecord: Equatable, Sendable, WireCodable {
  package static let wireName = "walpb.Snapshot"
  package static var absent: SnapshotRecord { SnapshotRecord(mark: SnapshotMark(), members: nil) }

  package var mark: SnapshotMark
  /// Nil for the beginning of the log, and in what Fabric 1.4 wrote.
  package var members: MembershipState?

  package init(mark: SnapshotMark, members: MembershipState?) {
    self.mark = mark
    self.members = members
  }

  package var wireSize: Int {
    FieldSize.number(mark.index) + FieldSize.number(mark.term)
      + (members.map { FieldSize.nested($0) } ?? 0)
  }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, number: mark.index)
    bytes.append(2, number: mark.term)
    if let members { bytes.append(3, nested: members) }
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: mark.index = try field.numeric()
    case 2: mark.term = try field.numeric()
    case 3:
      var merged = members ?? MembershipState()
      try merged.merge(field.bytes())
      members = merged
    default: break
    }
  }
}
