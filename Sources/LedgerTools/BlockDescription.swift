// One block in words: header, what it holds, who signed it.

import BlockLedger
import FabricCrypto
import FabricProtos
import Foundation
import Ordering

/// A block as `orderer ledger show` tells it.
public struct BlockDescription: Sendable, Encodable {
  public struct Transaction: Sendable, Encodable {
    public let index: Int
    /// `CONFIG`, `ENDORSER_TRANSACTION`, …
    public let type: String
    public let channel: String
    public let id: String
    /// RFC 3339, in UTC; nil if there is none.
    public let timestamp: String?
    /// The MSP of the creator.
    public let creator: String
    public let bytes: Int
    /// Why the entry could not be taken apart.
    public let error: String?
  }

  public struct Signature: Sendable, Encodable {
    /// The MSP of the signer, or `consenter` and the number of a BFT consenter; nil if not readable.
    public let signer: String?
    public let bytes: Int
  }

  public let channel: String
  public let number: UInt64
  public let hash: String
  public let previousHash: String
  public let dataHash: String
  /// Whether the data hash is that of the data.
  public let dataHashMatches: Bool
  public let file: String
  public let offset: Int64
  public let bytes: Int
  public let lastConfigBlock: UInt64?
  public let signatures: [Signature]
  public let consenterMetadata: String
  public let transactions: [Transaction]

  public init(_ stored: StoredBlock, channel: String) {
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
    lastConfigBlock = try? block.lastConfigIndex()
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
