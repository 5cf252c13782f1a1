// What a ledger folder holds, channel by channel.

import BlockLedger
import Blocks
import ChannelConfig
import FabricCrypto
import FabricProtos

/// One line of a list of channels.
package struct ChainSummary: Sendable, Encodable {
  package struct Figures: Sendable {
    package let height: UInt64
    /// Bytes of the block files.
    package let bytes: Int64
    package let files: Int
  }

  package enum Outcome: Sendable {
    case figures(Figures)
    /// Why the channel's ledger cannot be summed up.
    case unreadable(String)
  }

  package let channel: String
  package let outcome: Outcome

  private enum CodingKeys: CodingKey { case channel, height, bytes, files, error }

  /// Scripts find every figure in each line; together with an error, zeros that mean nothing.
  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    let figures: Figures
    switch outcome {
    case .figures(let known): figures = known
    case .unreadable(let reason):
      figures = Figures(height: 0, bytes: 0, files: 0)
      try line.encode(reason, forKey: .error)
    }
    try line.encode(channel, forKey: .channel)
    try line.encode(figures.height, forKey: .height)
    try line.encode(figures.bytes, forKey: .bytes)
    try line.encode(figures.files, forKey: .files)
  }

  /// The summaries of all channels in a folder. One that cannot be read is listed with the reason.
  package static func all(in folder: LedgerFolder) throws(LedgerError) -> [ChainSummary] {
    var summaries: [ChainSummary] = []
    for channel in try folder.channelIDs() {
      do {
        let chain = try folder.chain(channel)
        let figures = Figures(
          height: try chain.height(), bytes: chain.size, files: chain.files.count)
        summaries.append(ChainSummary(channel: channel, outcome: .figures(figures)))
      } catch {
        summaries.append(ChainSummary(channel: channel, outcome: .unreadable("\(error)")))
      }
    }
    return summaries
  }
}

/// All about one channel that can be told without reading every block.
package struct ChainInfo: Sendable, Encodable {
  package struct File: Sendable, Encodable {
    package let path: String
    package let bytes: Int64
    package let firstBlock: UInt64?
  }

  package struct Configuration: Sendable, Encodable {
    /// The block that the configuration is in.
    package let block: UInt64
    package let sequence: UInt64
    package let consensusType: String
    package let ordererOrganizations: [String]
    package let applicationOrganizations: [String]
    /// Whether this is an orderer system channel.
    package let isSystemChannel: Bool
    package let maxMessageCount: UInt32
    package let preferredMaxBytes: UInt32
    package let batchTimeout: String
  }

  package let channel: String
  package let height: UInt64
  package let bytes: Int64
  package let files: [File]
  /// Hash of the newest block's header.
  package let lastBlockHash: String
  package let previousBlockHash: String
  package let configuration: Configuration?
  /// Why the configuration could not be read.
  package let configurationError: String?

  package init(_ chain: StoredChain) throws(LedgerError) {
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
    let number = try last.lastConfigIndex(channelID: chain.channelID)
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
