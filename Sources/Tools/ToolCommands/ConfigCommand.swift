// `orderer config show`: a channel's configuration for people to read.

import ArgumentParser
import ConfigTools
import FabricProtos
import OrdererConfiguration
import Storage

/// `orderer config`.
package struct ConfigCommand: ParsableCommand, DescribedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Show a channel's configuration",
    subcommands: [ShowConfigCommand.self], helpNames: [])

  package static let help = """
    usage: orderer config show (--block FILE | --channel ID) [--whole-block] [--ledger FOLDER]

    Prints a channel's configuration as JSON, in the shape that configtxlator gives a common.Config.
    Nothing is written, and a node that is running is not disturbed.

    Flags:
      --help             Show help.
      --block FILE       Take the configuration from a file that holds a block.
      --channel ID       Take the newest configuration of this node's channel ID.
      --whole-block      Print the block that holds the configuration, as a common.Block.
      --ledger FOLDER    With --channel: the folder with the ledgers. By default orderer.yaml and the
                         environment say where it is, as they do for the node.

    """

  package init() {}

  package func run() throws {
    StandardStreams.writeToError(
      "orderer: error: must select a subcommand of 'config': show, try --help\n")
    throw ExitCode.failure
  }
}

/// `orderer config show`.
struct ShowConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", helpNames: [])

  @Option var block: String?
  @Option var channel: String?
  @Option var ledger: String?
  @Flag var wholeBlock = false

  func validate() throws {
    guard (block == nil) != (channel == nil) else {
      throw ValidationError("Either --block FILE or --channel ID is needed")
    }
    guard ledger == nil || channel != nil else {
      throw ValidationError("--ledger goes with --channel only")
    }
  }

  func run() throws {
    try carryOut("config show") {
      let found = try block.map { try ConfigBlock.readFile($0) } ?? newestBlock(of: channel ?? "")
      let json =
        wholeBlock
        ? try ConfigJSON.block(found.serialized()) : try ConfigBlock(found).json()
      try StandardStreams.writeToOutput(json.text.utf8)
    }
  }

  private func newestBlock(of channelID: String) throws -> Block {
    if let ledger {
      return try ChannelFolder(directory: ledger, channelID: channelID).newestConfigBlock()
    }
    let configuration = try OrdererConfiguration.load().configuration
    let format: ChannelFolder.Format
    switch configuration.general.ledgerType {
    case .file: format = .file
    case .json: format = .json
    case .ram:
      throw ConfigToolsError(
        "General.LedgerType is ram: the node keeps its channels in memory, where only a client "
          + "can read them; fetch the config block and pass it with --block")
    }
    return try ChannelFolder(
      directory: configuration.fileLedger.location, channelID: channelID, format: format
    ).newestConfigBlock()
  }
}
