// Who campaigns first in a channel that begins.

import FabricCrypto
import RaftCore

/// The node that campaigns at once when a channel is new, so that no channel waits for an election time-out, and one
/// node does not lead them all. Every node of Fabric picks the same (Fabric: `etcdraft.node.start`).
enum FirstCampaign {
  /// - Parameter count: Consenters, with the ids from 1 on.
  static func node(of channelID: String, among count: Int) -> NodeID {
    guard count > 0 else { return 0 }
    let digest = SHA256Digest.hash(Array(channelID.utf8))
    return uvarint(digest.dropFirst(24)) % UInt64(count) + 1
  }

  /// Go's `binary.Uvarint`: 0 if the bytes end within the number.
  private static func uvarint(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    for (place, byte) in bytes.enumerated() {
      value |= UInt64(byte & 0x7F) << UInt64(7 * place)
      if byte < 0x80 { return value }
    }
    return 0
  }
}
