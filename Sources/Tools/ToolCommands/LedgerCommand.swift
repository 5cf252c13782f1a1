// `orderer ledger`: looks at the block files of a node, running or not.

import ArgumentParser
import BlockLedger
import Concurrency
import Foundation
import LedgerTools
import OrdererConfiguration
import Storage

/// `orderer ledger`.
package struct LedgerCommand: ParsableCommand, DescribedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "List, verify, show and export the blocks of a ledger folder",
    subcommands: [
      LedgerListCommand.self, LedgerInfoCommand.self, LedgerVerifyCommand.self,
      LedgerShowCommand.self, LedgerExportCommand.self,
    ], helpNames: [])

  package static let help = """
    usage: orderer ledger list [--ledger FOLDER] [--json]
           orderer ledger info CHANNEL [--ledger FOLDER] [--json]
           orderer ledger verify [CHANNEL ...] [--no-signatures] [--ledger FOLDER] [--json]
           orderer ledger show CHANNEL BLOCK [--ledger FOLDER] [--json]
           orderer ledger export CHANNEL [--from BLOCK] [--to BLOCK] [--output FOLDER]
                                 [--ledger FOLDER]

    Reads a file ledger's blocks. Nothing is written or locked and the index is not used, so a node
    that is running on the folder is not disturbed.

      list    The channels, their heights and sizes.
      info    One channel: height, files, newest block, configuration in force.
      verify  Reads all blocks of the channels (of all if none is named) and checks numbers, hash chain,
              data hashes, and the block signatures against the policy BlockValidation of the
              configuration in force at each block. Ends with status 1 if something is wrong.
      show    One block: its header, its transactions, its signers.
      export  Writes blocks as CHANNEL_NUMBER.block, in the form of `peer channel fetch`.

    BLOCK is a number, or "newest", or "oldest".

    Flags:
      --help             Show help.
      --ledger FOLDER    The folder with the ledgers. By default orderer.yaml and the environment say
                         where it is, as they do for the node.
      --json             Print JSON.
      --no-signatures    Leave the signatures out, which take most of the time.
      --from BLOCK       The first block to export; the oldest by default.
      --to BLOCK         The last block to export; the newest by default.
      --output FOLDER    Where to export to; the current folder by default.

    """

  package init() {}

  package func run() throws {
    StandardStreams.writeToError(
      "orderer: error: must select a subcommand of 'ledger': list, info, verify, show, export, "
        + "try --help\n")
    throw ExitCode.failure
  }
}

/// What the subcommands share.
struct LedgerOptions: ParsableArguments {
  @Option var ledger: String?

  func folder() throws -> LedgerFolder {
    try LedgerFolder(
      directory: try ledger ?? OrdererConfiguration.load().configuration.fileLedger.location)
  }

  static func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try StandardStreams.writeToOutput(try encoder.encode(value) + [UInt8(ascii: "\n")])
  }

  static func print(_ text: String) throws {
    try StandardStreams.writeToOutput("\(text)\n".utf8)
  }
}

/// A block on the command line.
enum BlockPosition: ExpressibleByArgument, Equatable {
  case oldest
  case newest
  case number(UInt64)

  init?(argument: String) {
    switch argument {
    case "oldest": self = .oldest
    case "newest": self = .newest
    default:
      guard let number = UInt64(argument) else { return nil }
      self = .number(number)
    }
  }

  func number(in chain: StoredChain) throws -> UInt64 {
    switch self {
    case .oldest: return 0
    case .number(let number): return number
    case .newest:
      let height = try chain.height()
      guard height > 0 else {
        throw LedgerError.notFound(channel: chain.channelID, number: 0, height: 0)
      }
      return height - 1
    }
  }
}

/// `orderer ledger list`.
struct LedgerListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", helpNames: [])

  @OptionGroup var options: LedgerOptions
  @Flag var json = false

  func run() throws {
    try carryOut("ledger list") {
      let summaries = try ChainSummary.all(in: options.folder())
      guard !json else { return try LedgerOptions.printJSON(summaries) }
      try LedgerOptions.print(LedgerText.table(summaries))
    }
  }
}

/// `orderer ledger info`.
struct LedgerInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "info", helpNames: [])

  @Argument var channel: String
  @OptionGroup var options: LedgerOptions
  @Flag var json = false

  func run() throws {
    try carryOut("ledger info") {
      let info = try ChainInfo(options.folder().chain(channel))
      if json {
        try LedgerOptions.printJSON(info)
      } else {
        try LedgerOptions.print(LedgerText.info(info))
      }
    }
  }
}

/// `orderer ledger verify`.
struct LedgerVerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "verify", helpNames: [])

  @Argument var channels: [String] = []
  @OptionGroup var options: LedgerOptions
  @Flag var noSignatures = false
  @Flag var json = false

  func run() async throws {
    try await carryOut("ledger verify") {
      let folder = try options.folder()
      var reports: [VerificationReport] = []
      for channel in try channels.isEmpty ? folder.channelIDs() : channels {
        let report = try await verify(try folder.chain(channel))
        reports.append(report)
        if !json { try LedgerOptions.print(LedgerText.report(report)) }
      }
      if json { try LedgerOptions.printJSON(reports) }
      guard reports.allSatisfy(\.isSound) else { throw ExitCode.failure }
    }
  }

  private func verify(_ chain: StoredChain) async throws -> VerificationReport {
    var bar = ProgressBar(label: chain.channelID, time: .system)
    let verifier = ChainVerifier(
      chain, workers: ProcessInfo.processInfo.activeProcessorCount,
      checksSignatures: !noSignatures)
    let report = try await verifier.run { progress in
      bar.update(
        done: progress.bytes, total: progress.totalBytes, detail: "\(progress.blocks) blocks")
    }
    bar.finish()
    return report
  }
}

/// `orderer ledger show`.
struct LedgerShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", helpNames: [])

  @Argument var channel: String
  @Argument var block: BlockPosition
  @OptionGroup var options: LedgerOptions
  @Flag var json = false

  func run() throws {
    try carryOut("ledger show") {
      let chain = try options.folder().chain(channel)
      let description = BlockDescription(
        try chain.block(block.number(in: chain)), channel: channel)
      if json {
        try LedgerOptions.printJSON(description)
      } else {
        try LedgerOptions.print(LedgerText.block(description))
      }
    }
  }
}

/// `orderer ledger export`.
struct LedgerExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "export", helpNames: [])

  @Argument var channel: String
  @Option var from = BlockPosition.oldest
  @Option var to = BlockPosition.newest
  @Option var output = "."
  @OptionGroup var options: LedgerOptions

  func run() async throws {
    try await carryOut("ledger export") {
      let chain = try options.folder().chain(channel)
      let (first, last) = (try from.number(in: chain), try to.number(in: chain))
      guard first <= last else {
        throw ValidationError("--from \(first) comes after --to \(last)")
      }
      var bar = ProgressBar(label: channel, time: .system)
      let total = Int64(clamping: last - first) + 1
      let count = try await BlockExport(chain, directory: output).run(first...last) { done in
        bar.update(done: Int64(clamping: done), total: total, detail: "\(done) blocks")
      }
      bar.finish()
      guard count > 0 else {
        throw LedgerError.notFound(channel: channel, number: first, height: try chain.height())
      }
      StandardStreams.writeToError("Wrote \(count) block(s) of channel \(channel) to \(output)\n")
    }
  }
}
