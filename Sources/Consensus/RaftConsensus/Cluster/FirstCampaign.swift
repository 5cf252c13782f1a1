// Who campaigns first in a channel that begins.

import FabricCrypto
import FabricProtos
import RaftCore

/// The node that campaigns at once when a channel is new, so that no channel waits for an election time-out, and one
/// node does not lead them all. Every node of Fabric picks the same (Fabric: `etcdraft.node.start`).
enum FirstCampaign {
  /// - Parameter count: Consenters, with the ids from 1 on.
  static func node(of channelID: String, among count: Int) -> NodeID {
    guard count > 0 else { return 0 }
    let digest = SHA256Digest.hash(Array(channelID.utf8))
    // Go's `binary.Uvarint` gives 0 if the bytes end within the number.
    var index = 24
    let number = Varint.read(digest, at: &index, end: digest.count) ?? 0
    return number % UInt64(count) + 1
  }
}
