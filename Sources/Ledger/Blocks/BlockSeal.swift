// Sealing a block: the value that is signed, signing it, attaching the signatures.

import BlockLedger
import FabricCrypto
import FabricProtos
import Foundation
import Membership

/// The signed part of a block's metadata, and the three acts of sealing.
///
/// 1. The *value*: which block holds the configuration, and what the consenter wants to find again.
///    It is the same on all nodes.
/// 2. *Signing* it for a block. Each node signs when its consensus lets it: as it writes the block, or
///    as it votes for it.
/// 3. *Attaching* any number of signatures, which completes the block.
///
/// The bytes are Fabric's (`multichannel/blockwriter`, and `smartbft` for BFT): peers verify them.
package struct BlockSeal: Sendable {
  /// The block with the newest configuration.
  package let lastConfig: UInt64
  /// As the consenter gave it; empty for none.
  package let consenterMetadata: [UInt8]
  /// The serialized `common.OrdererBlockMetadata`.
  package let value: [UInt8]

  /// Makes the value.
  ///
  /// - Parameter consenterMetadata: As it should appear in the block: wrapped
  ///   (``ConsenterMetadata``) by all consenters but BFT; empty for none.
  package init(lastConfig: UInt64, consenterMetadata: [UInt8]) throws {
    var signed = Common_OrdererBlockMetadata()
    signed.lastConfig.index = lastConfig
    signed.consenterMetadata = Data(consenterMetadata)
    self.lastConfig = lastConfig
    self.consenterMetadata = consenterMetadata
    value = try signed.serializedBytes()
  }

  /// How a signature says whose it is.
  package enum SignerName: Sendable, Equatable {
    /// By the signer's identity, beside a nonce.
    case identity(nonce: [UInt8])
    /// By the number of a BFT consenter, beside a nonce.
    case consenter(UInt32, nonce: [UInt8])
  }

  /// Signs value, signer's header and the block's header.
  ///
  /// - Throws: What the signer throws.
  package func sign(
    _ block: AssembledBlock, by signer: any Signer, as name: SignerName
  ) throws -> BlockSignature {
    let header = try Self.header(of: signer, name)
    return BlockSignature(
      header: header,
      bytes: try signer.sign([value[...], header.bytes[...], block.headerBytes[...]]))
  }

  private static func header(
    of signer: any Signer, _ name: SignerName
  ) throws -> BlockSignature.Header {
    switch name {
    case .identity(let nonce):
      var header = Common_SignatureHeader()
      header.creator = Data(signer.serializedIdentity)
      header.nonce = Data(nonce)
      return .signature(try header.serializedBytes())
    case .consenter(let identifier, let nonce):
      var header = Common_IdentifierHeader()
      header.identifier = identifier
      header.nonce = Data(nonce)
      return .identifier(try header.serializedBytes())
    }
  }

  /// Completes a block with signatures, in the order given.
  ///
  /// - Parameter isForFabric1: Whether the consenter's metadata also goes into the slot where Fabric 1.x
  ///   looks for it, and which Fabric 2.x leaves empty.
  package func attach(
    _ signatures: [BlockSignature], to block: AssembledBlock, isForFabric1: Bool
  ) throws -> SealedBlock {
    var signed = Common_Metadata()
    signed.value = Data(value)
    signed.signatures = signatures.map(\.message)
    var lastConfig = Common_LastConfig()
    lastConfig.index = self.lastConfig
    var configSlot = Common_Metadata()
    // Number 0 serializes to nothing, so the slot is empty then.
    configSlot.value = try lastConfig.serializedData()
    var slots = BlockMetadata.empty
    slots[Common_BlockMetadataIndex.signatures.rawValue] = try signed.serializedBytes()
    slots[Common_BlockMetadataIndex.lastConfig.rawValue] = try configSlot.serializedBytes()
    if isForFabric1 {
      slots[Common_BlockMetadataIndex.orderer.rawValue] = consenterMetadata
    }
    return SealedBlock(block, metadata: slots)
  }
}

extension BlockSeal {
  /// Checks what must hold of every block before the ledger takes it: it names the block whose
  /// configuration is in force.
  ///
  /// - Parameter expected: The number of that block, which is the block's own if it holds a configuration.
  /// - Throws: ``BlockError`` if it names another one, or none.
  package static func checkLastConfig(
    of block: SealedBlock, is expected: UInt64, channelID: String
  ) throws(BlockError) {
    let index = try block.block.lastConfigIndex(channelID: channelID)
    guard index == expected else {
      throw BlockError(
        channelID: channelID,
        reason:
          "block \(block.number) says that the configuration is in block \(index), but it is in "
          + "block \(expected)")
    }
  }

  /// Checks that a block which this node sealed has a signature of its own.
  ///
  /// - Throws: ``BlockError`` if it has none.
  package static func checkIsSigned(
    _ block: SealedBlock, by signer: any Signer, channelID: String
  ) throws(BlockError) {
    let identity = Data(signer.serializedIdentity)
    let isSigned = block.block.signatures?.signatures.contains { signature in
      let header = try? Common_SignatureHeader(serializedBytes: signature.signatureHeader)
      return header?.creator == identity && !signature.signature.isEmpty
    }
    guard isSigned == true else {
      throw BlockError(
        channelID: channelID, reason: "block \(block.number) lacks this node's own signature")
    }
  }
}

/// One signature on a block.
package struct BlockSignature: Sendable, Equatable {
  /// Who signed.
  package enum Header: Sendable, Equatable {
    /// A serialized `common.SignatureHeader`.
    case signature([UInt8])
    /// A serialized `common.IdentifierHeader`.
    case identifier([UInt8])

    package var bytes: [UInt8] {
      switch self {
      case .signature(let bytes), .identifier(let bytes): bytes
      }
    }
  }

  package let header: Header
  /// The signature itself, in DER.
  package let bytes: [UInt8]

  package init(header: Header, bytes: [UInt8]) {
    self.header = header
    self.bytes = bytes
  }

  var message: Common_MetadataSignature {
    var message = Common_MetadataSignature()
    switch header {
    case .signature(let bytes): message.signatureHeader = Data(bytes)
    case .identifier(let bytes): message.identifierHeader = Data(bytes)
    }
    message.signature = Data(bytes)
    return message
  }
}
