// Entries of the log and the hard state on the wire and in the log.

import RaftCore

extension Entry: WireCodable {
  package static let wireName = "raftpb.Entry"
  package static var absent: Entry { Entry() }

  package var wireSize: Int { wireHeadSize + data.count }

  /// Bytes that ``appendWireHead(to:)`` appends.
  package var wireHeadSize: Int {
    FieldSize.number(UInt64(kind.rawValue)) + FieldSize.number(term) + FieldSize.number(index)
      + FieldSize.bytes(data) - data.count
  }

  package func appendWire(to bytes: inout [UInt8]) {
    appendWireHead(to: &bytes)
    bytes.append(contentsOf: data)
  }

  /// Appends what stands before ``data``, which is the end of the serialized entry.
  package func appendWireHead(to bytes: inout [UInt8]) {
    bytes.append(1, number: UInt64(kind.rawValue))
    bytes.append(2, number: term)
    bytes.append(3, number: index)
    if !data.isEmpty { bytes.append(4, headOf: data.count) }
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: kind = try field.value(Kind.self)
    case 2: term = try field.numeric()
    case 3: index = try field.numeric()
    case 4: data = try field.bytes()
    default: break
    }
  }
}

extension HardState: WireCodable {
  package static let wireName = "raftpb.HardState"
  package static var absent: HardState { HardState() }

  package var wireSize: Int {
    FieldSize.number(term) + FieldSize.number(vote) + FieldSize.number(commit)
  }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, number: term)
    bytes.append(2, number: vote)
    bytes.append(3, number: commit)
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: term = try field.numeric()
    case 2: vote = try field.numeric()
    case 3: commit = try field.numeric()
    default: break
    }
  }
}
