// A newest block without Raft's metadata that Raft has ordered all the same.

import Blocks
import FabricProtos
import Foundation

extension Block {
  /// Blocks before this one that are looked at.
  private static let reach: UInt64 = 16

  /// This block with the consenter metadata of the nearest block before it that has some, if it has none itself.
  ///
  /// A Go orderer writes a block without metadata if it takes the block out of a snapshot, and others may pull it from
  /// there. Without them it would look as if the channel had just come from another type of consensus; then this node
  /// would found a group that is there already. Such a channel's blocks have no metadata of Raft up to the newest one, which
  /// changes the type: so the search ends at a block that does.
  ///
  /// - Parameter earlier: A block that is there.
  func completed(_ earlier: (UInt64) throws -> Block) throws -> Block {
    var next = self
    while next.consenterMetadata().isEmpty {
      guard next.header.number > 0, header.number - next.header.number < Self.reach,
        try !next.beginsRaft(earlier)
      else { return self }
      next = try earlier(next.header.number - 1)
    }
    let bytes = next.consenterMetadata()
    guard next.header.number < header.number, (try? RaftBlockMetadata(serialized: bytes)) != nil
    else { return self }
    return try with(consenterMetadata: bytes)
  }

  /// Whether the block gives the channel to Raft, and it was another type's before.
  private func beginsRaft(_ earlier: (UInt64) throws -> Block) throws -> Bool {
    guard case .configuration(let message) = kind,
      case .written = try ConsensusTypeUpdate(in: message)
    else { return false }
    let before = try earlier(header.number - 1)
    let index = try before.lastConfigIndex(channelID: message.channelID)
    let config = index == before.header.number ? before : try earlier(index)
    guard case .configuration(let old) = config.kind,
      let envelope = try? Common_ConfigEnvelope(serializedBytes: Array(old.data)),
      let value = envelope.config.channelGroup.groups["Orderer"]?.values["ConsensusType"],
      let consensus = try? Orderer_ConsensusType(serializedBytes: value.value)
    else { return true }
    return consensus.type != RaftConfig.type
  }

  private func with(consenterMetadata bytes: [UInt8]) throws -> Block {
    var slot = signatures ?? Common_Metadata()
    var signed = try Common_OrdererBlockMetadata(serializedBytes: slot.value)
    signed.consenterMetadata = try Common_Metadata.with { $0.value = Data(bytes) }.serializedData()
    slot.value = try signed.serializedData()
    var block = self
    block.metadata[Common_BlockMetadataIndex.signatures.rawValue] = try slot.serializedBytes()
    return block
  }
}
