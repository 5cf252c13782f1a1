// Snapshots as MsgSnap and snapshot files carry them: raftpb.Snapshot and the snappb.snapshot around it.

import RaftCore

extension Snapshot: WireCodable {
  package static let wireName = "raftpb.Snapshot"
  package static var absent: Snapshot { Snapshot() }

  /// raftpb.SnapshotMetadata.
  private struct Metadata: WireCodable {
    static let wireName = "raftpb.SnapshotMetadata"
    static let absent = Metadata(members: MembershipState(), index: 0, term: 0)

    var members: MembershipState
    var index: LogIndex
    var term: Term

    var wireSize: Int {
      FieldSize.nested(members) + FieldSize.number(index) + FieldSize.number(term)
    }

    func appendWire(to bytes: inout [UInt8]) {
      bytes.append(1, nested: members)
      bytes.append(2, number: index)
      bytes.append(3, number: term)
    }

    mutating func take(_ field: WireField) throws(WireError) {
      switch field.number {
      case 1: try members.merge(field.bytes())
      case 2: index = try field.numeric()
      case 3: term = try field.numeric()
      default: break
      }
    }
  }

  private var metadata: Metadata {
    get { Metadata(members: members, index: index, term: term) }
    set { (members, index, term) = (newValue.members, newValue.index, newValue.term) }
  }

  package var wireSize: Int { FieldSize.bytes(data) + FieldSize.nested(metadata) }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, bytes: data)
    bytes.append(2, nested: metadata)
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: data = try field.bytes()
    case 2: try metadata.merge(field.bytes())
    default: break
    }
  }
}

/// The content of a snapshot file (snappb.snapshot): a serialized ``Snapshot`` and its checksum.
package struct SnapshotEnvelope: Equatable, Sendable, WireCodable {
  package static let wireName = "snappb.snapshot"
  package static var absent: SnapshotEnvelope { SnapshotEnvelope(crc: 0, data: []) }

  /// CRC-32C of ``data``.
  package var crc: UInt32
  package var data: ArraySlice<UInt8>

  package init(crc: UInt32, data: ArraySlice<UInt8>) {
    self.crc = crc
    self.data = data
  }

  package var wireSize: Int { FieldSize.number(UInt64(crc)) + FieldSize.bytes(data) }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, number: UInt64(crc))
    bytes.append(2, bytes: data)
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: crc = UInt32(truncatingIfNeeded: try field.numeric())
    case 2: data = try field.bytes()
    default: break
    }
  }
}
