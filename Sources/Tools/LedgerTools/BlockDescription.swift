// One block in words: header, what it holds, who signed it.

import BlockLedger
import Blocks
import FabricCrypto
import FabricProtos
import Foundation

/// A block as `orderer ledger show` tells it.
package struct BlockDescription: Sendable, Encodable {
  package struct Transaction: Sendable, Encodable {
    package let index: Int
    /// `CONFIG`, `ENDORSER_TRANSACTION`, …
    package let type: String
    package let channel: String
    package let id: String
    /// RFC 3339, in UTC; nil if there is none.
    package let timestamp: String?
    /// The MSP of the creator.
    package let creator: String
    package let bytes: Int
    /// Why the entry could not be taken apart.
    package let error: String?
  }

  package struct Signature: Sendable, Encodable {
    /// The MSP of the signer, or `consenter` and the number of a BFT consenter; nil if not readable.
    package let signer: String?
    package let bytes: Int
  }

  package let channel: String
  package let number: UInt64
  package let hash: String
  package let previousHash: String
  package let dataHash: String
  /// Whether the data hash is that of the data.
  package let dataHashMatches: Bool
  package let file: String
  package let offset: Int64
  package let bytes: Int
  package let lastConfigBlock: UInt64?
  package let signatures: [Signature]
  package let consenterMetadata: String
  package let transactions: [Transaction]

  package init(_ stored: StoredBlock, channel: String) {
    let block = stored.block
    self.channel = channel
    number = block.header.number
    hash = hexadecimal(stored.headerHash)
    previousHash = hexadecimal(block.header.previousHash)
    dataHash = hexadecimal(block.header.dataHash)
    dataHashMatches = stored.hasValidDataHash
    file = stored.file
    offset = stored.offset
    bytes = stored.storedBytes
    lastConfigBlock = try? block.lastConfigIndex(channelID: channel)
    consenterMetadata = hexadecimal(block.consenterMetadata())
    signatures = Self.signatures(of: block)
    transactions = block.data.enumerated().map { Self.transaction($0.element, $0.offset) }
  }

  private static func signatures(of block: Block) -> [Signature] {
    let index = Common_BlockMetadataIndex.signatures.rawValue
    guard block.metadata.indices.contains(index),
      let metadata = try? Common_Metadata(serializedBytes: block.metadata[index])
    else { return [] }
    return metadata.signatures.map { signature in
      Signature(signer: signer(of: signature), bytes: signature.signature.count)
    }
  }

  private static func signer(of signature: Common_MetadataSignature) -> String? {
    if signature.signatureHeader.isEmpty, !signature.identifierHeader.isEmpty {
      let header = try? Common_IdentifierHeader(serializedBytes: signature.identifierHeader)
      return header.map { "consenter \($0.identifier)" }
    }
    let header = try? Common_SignatureHeader(serializedBytes: signature.signatureHeader)
    return header.flatMap { mspID(of: [UInt8]($0.creator)[...]) }
  }

  private static func transaction(_ bytes: [UInt8], _ index: Int) -> Transaction {
    do {
      let envelope = try EnvelopeView(bytes)
      let header = try Common_ChannelHeader(serializedBytes: Array(envelope.channelHeader))
      let creator = try envelope.signatureHeaderParts().creator
      return Transaction(
        index: index, type: Common_HeaderType.name(of: Int(header.type)) ?? "\(header.type)",
        channel: header.channelID,
        id: header.txID, timestamp: header.hasTimestamp ? time(header) : nil,
        creator: mspID(of: creator) ?? "", bytes: bytes.count, error: nil)
    } catch {
      return Transaction(
        index: index, type: "", channel: "", id: "", timestamp: nil, creator: "",
        bytes: bytes.count, error: "\(error)")
    }
  }

  private static func mspID(of creator: ArraySlice<UInt8>) -> String? {
    try? Msp_SerializedIdentity(serializedBytes: Array(creator)).mspid
  }

  private static func time(_ header: Common_ChannelHeader) -> String {
    let date = Date(
      timeIntervalSince1970: Double(header.timestamp.seconds)
        + Double(header.timestamp.nanos) / 1e9)
    return date.formatted(.iso8601.time(includingFractionalSeconds: true))
  }
}
