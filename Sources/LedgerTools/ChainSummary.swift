// What a ledger folder holds, channel by channel.

import BlockLedger
import ChannelConfig
import FabricCrypto
import FabricProtos
import Ordering

/// One line of a list of channels.
public struct ChainSummary: Sendable, Encodable {
  public let channel: String
  public let height: UInt64
  /// Bytes of the block files.
  public let bytes: Int64
  public let files: Int
  /// Why the channel's ledger cannot be summed up; the other figures mean nothing then.
  public let error: String?

  /// The summaries of all channels in a folder. One that cannot be read is listed with the reason.
  public static func all(in folder: LedgerFolder) throws(LedgerError) -> [ChainSummary] {
    var summaries: [ChainSummary] = []
    for channel in try folder.channelIDs() {
      do {
        let chain = try folder.chain(channel)
        summaries.append(
          ChainSummary(
            channel: channel, height: try chain.height(), bytes: chain.size,
            files: chain.files.count, error: nil))
      } catch {
        summaries.append(
          ChainSummary(channel: channel, height: 0, bytes: 0, files: 0, error: "\(error)"))
      }
    }
    return summaries
  }
}

/// All about one channel that can be told without reading every block.
public struct ChainInfo: Sendable, Encodable {
  public struct File: Sendable, Encodable {
    public let path: String
    public let bytes: Int64
    public let firstBlock: UInt64?
  }

  public struct Configuration: Sendable, Encodable {
    /// The block that the configuration is in.
    public let block: UInt64
    public let sequence: UInt64
    public let consensusType: String
    public let ordererOrganizations: [String]
    public let applicationOrganizations: [String]
    /// Whether this is an orderer system channel.
    public let isSystemChannel: Bool
    public let maxMessageCount: UInt32
    public let preferredMaxBytes: UInt32
    public let batchTimeout: String
  }

  public let channel: String
  public let height: UInt64
  public let bytes: Int64
  public let files: [File]
  /// Hash of the newest block's header.
  public let lastBlockHash: String
  public let previousBlockHash: String
  public let configuration: Configuration?
  /// Why the configuration could not be read.
  public let configurationError: String?

  public init(_ chain: StoredChain) throws(LedgerError) {
    channel = chain.channelID
    height = try chain.height()
    bytes = chain.size
    files = chain.files.map { File(path: $0.path, bytes: $0.size, firstBlock: $0.firstBlock) }
    guard height > 0 else {
      lastBlockHash = ""
      previousBlockHash = ""
      configuration = nil
      configurationError = nil
      return
    }
    let last = try chain.block(height - 1)
    lastBlockHash = hexadecimal(last.headerHash)
    previousBlockHash = hexadecimal(last.header.previousHash)
    do {
      configuration = try Self.configuration(of: last.block, in: chain)
      configurationError = nil
    } catch {
      configuration = nil
      configurationError = "\(error)"
    }
  }

  private static func configuration(of last: Block, in chain: StoredChain) throws -> Configuration {
    let number = try last.lastConfigIndex()
    guard let entry = try chain.block(number).block.data.first else {
      throw LedgerError.notFound(channel: chain.channelID, number: number, height: 0)
    }
    let bundle = try ConfigBundle(configEnvelope: entry)
    return Configuration(
      block: number, sequence: bundle.sequence,
      consensusType: bundle.orderer?.consensusType ?? "",
      ordererOrganizations: bundle.orderer?.organizations.keys.sorted() ?? [],
      applicationOrganizations: bundle.application?.organizations.keys.sorted() ?? [],
      isSystemChannel: bundle.consortiums != nil,
      maxMessageCount: bundle.orderer?.batchSize.maxMessageCount ?? 0,
      preferredMaxBytes: bundle.orderer?.batchSize.preferredMaxBytes ?? 0,
      batchTimeout: bundle.orderer.map { "\($0.batchTimeout)" } ?? "")
  }
}
