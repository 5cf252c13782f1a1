// Blocks that others made, as this node stores them.

import BlockLedger
import Blocks
import FabricProtos
import Ordering

package enum PulledBlocks {
  /// Blocks as this node makes them of what others made: the consenter's metadata are taken over, the signature is this
  /// node's. Those that are written together are few, and a config block stands alone.
  package static func groups(
    of run: [Block], _ metadata: inout PulledMetadata
  ) throws -> [[MadeBlock]] {
    var groups: [[MadeBlock]] = []
    var (bytes, isOpen) = (0, false)
    for block in run {
      let made = MadeBlock(
        try AssembledBlock(verifying: block.header, data: block.data),
        consenterMetadata: ConsenterMetadata.wrap(try metadata.metadata(of: block)))
      let size = block.data.reduce(0) { $0 + $1.count }
      let isConfig = block.isConfigBlock
      if isOpen, !isConfig, let count = groups.last?.count, count < GroupCommit.maximumCount,
        bytes + size <= GroupCommit.maximumBytes
      {
        groups[groups.count - 1].append(made)
        bytes += size
      } else {
        groups.append([made])
        (bytes, isOpen) = (size, !isConfig)
      }
    }
    return groups
  }
}
