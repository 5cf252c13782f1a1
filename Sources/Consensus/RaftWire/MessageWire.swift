// Messages between nodes: raftpb.Message, as Go's orderers of 1.4, 2.x and 3.x send it.

import RaftCore

/// What a node sends itself (`responses`) is neither written nor read. The form written is that of 2.x and
/// 3.x: 1.4 sends an empty snapshot along with every message, which is read as none, and knows no vote.
extension Message: WireCodable {
  package static let wireName = "raftpb.Message"
  package static var absent: Message { Message(.hup) }
  /// Entries of one message; a leader sends a few, bounded by their bytes.
  package static let maximumEntries = 1 << 20

  package var wireSize: Int {
    FieldSize.number(UInt64(kind.rawValue)) + FieldSize.number(to) + FieldSize.number(from)
      + FieldSize.number(term) + FieldSize.number(logTerm) + FieldSize.number(index)
      + entries.reduce(0) { $0 + FieldSize.nested($1) } + FieldSize.number(commit)
      + (snapshot.map { FieldSize.nested($0) } ?? 0) + FieldSize.flag
      + FieldSize.number(rejectHint) + FieldSize.bytes(context) + FieldSize.number(vote)
  }

  package func appendWire(to bytes: inout [UInt8]) {
    appendWireHead(to: &bytes)
    for entry in entries { bytes.append(7, nested: entry) }
    appendWireTail(to: &bytes)
  }

  /// Appends what stands before the entries.
  func appendWireHead(to bytes: inout [UInt8]) {
    bytes.append(1, number: UInt64(kind.rawValue))
    bytes.append(2, number: to)
    bytes.append(3, number: from)
    bytes.append(4, number: term)
    bytes.append(5, number: logTerm)
    bytes.append(6, number: index)
  }

  /// Appends what stands behind the entries.
  func appendWireTail(to bytes: inout [UInt8]) {
    bytes.append(8, number: commit)
    if let snapshot { bytes.append(9, nested: snapshot) }
    bytes.append(10, flag: reject)
    bytes.append(11, number: rejectHint)
    bytes.append(12, bytes: context)
    bytes.append(13, number: vote)
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: kind = try field.value(Kind.self)
    case 2: to = try field.numeric()
    case 3: from = try field.numeric()
    case 4: term = try field.numeric()
    case 5: logTerm = try field.numeric()
    case 6: index = try field.numeric()
    case 7:
      guard entries.count < Self.maximumEntries else {
        throw field.fault(.tooMany(field: 7, limit: Self.maximumEntries))
      }
      entries.append(try Entry(wire: field.bytes()))
    case 8: commit = try field.numeric()
    case 9:
      var merged = snapshot ?? Snapshot()
      try merged.merge(field.bytes())
      snapshot = merged == Snapshot() ? nil : merged
    case 10: reject = try field.flag()
    case 11: rejectHint = try field.numeric()
    case 12: context = try field.bytes()
    case 13: vote = try field.numeric()
    default: break
    }
  }
}
