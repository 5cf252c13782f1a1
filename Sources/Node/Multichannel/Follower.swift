// A channel that others order.

import BlockLedger
import Ordering

/// A channel of which this node keeps the blocks, or is going to once it has them.
///
/// This version cannot pull blocks from other orderers yet. So a follower has the blocks that the ledger had
/// when the node started, and gets no more; ``problem`` says so. The join block stays on the disk, and a
/// version that can pull goes on from there.
package final class Follower: Sendable {
  /// The channel's name.
  package let id: String
  private let store: any BlockStore
  /// The number of the join block; nil if the channel's join has long been over.
  private let joinNumber: UInt64?
  private let relation: ParticipationStatus.Relation

  /// - Parameter role: What the newest configuration that this node knows, which is the join block's until
  ///   that block is here, says of it.
  init(store: any BlockStore, joinNumber: UInt64?, role: ConsensusRole) {
    id = store.channelID
    self.store = store
    self.joinNumber = joinNumber
    relation = role == .consenter ? .consenter : .follower
  }

  /// Blocks that are here.
  package var height: UInt64 { store.height }

  /// Onboarding until the join block is here.
  package var participation: ParticipationStatus {
    let isOnboarding = joinNumber.map { height <= $0 } ?? false
    return ParticipationStatus(relation: relation, status: isOnboarding ? .onboarding : .active)
  }

  /// What keeps the channel from getting on, in words that tell an operator what to do.
  package var problem: String {
    """
    this orderer has to pull the channel's blocks from other orderers, which this version cannot do yet; \
    its height stays \(height). Join the channel with its genesis block on an orderer that this block \
    names as a consenter, or remove the channel here
    """
  }
}
