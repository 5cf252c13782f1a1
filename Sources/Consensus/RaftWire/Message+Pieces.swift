// A message as it leaves for several followers: laid out around the data of its entries.

import RaftCore

extension Message {
  /// Data of fewer bytes are copied: a piece of their own would cost more.
  private static let copiedSize = 512

  /// The serialized message, in pieces that follow each other. Data of entries that are worth it are the entries' own
  /// slices.
  package func wirePieces() -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var bytes: [UInt8] = []
    appendWireHead(to: &bytes)
    for entry in entries {
      guard entry.data.count >= Self.copiedSize else {
        bytes.append(7, nested: entry)
        continue
      }
      bytes.append(7, headOf: entry.wireSize)
      entry.appendWireHead(to: &bytes)
      pieces += [bytes[...], entry.data]
      bytes = []
    }
    appendWireTail(to: &bytes)
    return pieces + [bytes[...]]
  }
}
