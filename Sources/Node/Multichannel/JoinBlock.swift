// The block with which an operator has a node join a channel.

import Blocks
import ChannelConfig
import FabricCrypto
import FabricProtos

/// A config block of a channel, as far as can be told without knowing the channel.
package struct JoinBlock: Sendable {
  /// Metadata slots that an orderer's index of blocks reads.
  private static let metadataSlots = 3

  package let channelID: String
  package let block: Block
  /// As the operator gave it.
  package let bytes: [UInt8]
  /// The configuration in the block.
  package let bundle: ConfigBundle

  package var number: UInt64 { block.header.number }
  package var isOfSystemChannel: Bool { bundle.consortiums != nil }

  /// - Throws: ``NotAJoinBlock`` (Fabric: `channelparticipation.ValidateJoinBlock`).
  package init(_ bytes: [UInt8]) throws(NotAJoinBlock) {
    guard !bytes.isEmpty else { throw .invalid("block is not a config block") }
    do { block = try Block(serialized: bytes) } catch { throw .noBlock("\(error)") }
    self.bytes = bytes
    guard block.configEnvelope != nil, let entry = block.data.first else {
      throw .invalid("block is not a config block")
    }
    guard !block.metadata.isEmpty else {
      throw .invalid("invalid block: does not have metadata")
    }
    guard block.metadata.count >= Self.metadataSlots else {
      throw .invalid(
        "invalid block: has \(block.metadata.count) metadata slots of at least \(Self.metadataSlots)"
      )
    }
    guard SHA256Digest.hash(entry) == block.header.dataHash else {
      throw .invalid("invalid block: Header.DataHash is different from Hash(block.Data)")
    }
    do { bundle = try ConfigBundle(configEnvelope: entry) } catch { throw .invalid("\(error)") }
    channelID = bundle.channelID
    guard bundle.consortiums != nil || bundle.application != nil else {
      throw .invalid("invalid config: must have at least one of application or consortiums")
    }
  }
}

/// Why bytes cannot be a join block.
package enum NotAJoinBlock: Error, Equatable, CustomStringConvertible {
  /// They are no block.
  case noBlock(String)
  /// The block is not one to join a channel with.
  case invalid(String)

  package var description: String {
    switch self {
    case .noBlock(let reason): reason
    case .invalid(let reason): "invalid join block: \(reason)"
    }
  }
}
