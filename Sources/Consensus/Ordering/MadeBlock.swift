// A block that was agreed on and that this node has yet to seal.

import BlockLedger

/// Header and data of a block as the leader of a channel made it, and what each node adds.
package struct MadeBlock: Sendable {
  /// The same on all nodes.
  package let assembled: AssembledBlock
  /// As ``PendingBlock/consenterMetadata``.
  package let consenterMetadata: [UInt8]

  package init(_ assembled: AssembledBlock, consenterMetadata: [UInt8]) {
    self.assembled = assembled
    self.consenterMetadata = consenterMetadata
  }

  /// The block without what a consenter wants to find in it.
  package var withoutMetadata: MadeBlock { MadeBlock(assembled, consenterMetadata: []) }
}
