// `orderer config`: a channel's configuration for people to read, and what an update would do to it.

import ArgumentParser
import ConfigTools
import FabricProtos
import OrdererConfiguration
import Storage

/// `orderer config`.
package struct ConfigCommand: ParsableCommand, DescribedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Show a channel's configuration, check an update of it",
    subcommands: [ShowConfigCommand.self, CheckUpdateCommand.self], helpNames: [])

  package static let help = """
    usage: orderer config show (--block FILE | --channel ID) [--whole-block] [--ledger FOLDER]
           orderer config check-update UPDATE [--block FILE | --ledger FOLDER] [--running TYPE]
                                 [--down HOST:PORT ...] [--ignore-signatures] [--json]

    Nothing is written or handed in, and a node that is running is not disturbed.

      show           Prints a channel's configuration as JSON, in the shape that configtxlator gives a
                     common.Config.
      check-update   Says beforehand what an orderer would answer to a config update, and why; what the
                     update changes; who has signed it and who still has to; what the orderers do once it
                     is in a block, e.g. that they have to be restarted; which certificates of consenters
                     expire. UPDATE is a file with the envelope, signed or not, or with the bare
                     ConfigUpdate that configtxlator computes. Ends with status 1 if the update would be
                     refused as it is.

    Flags:
      --help               Show help.
      --block FILE         Take the configuration from a file that holds a block, as `peer channel fetch
                           config` writes it.
      --channel ID         Take the newest configuration of this node's channel ID. check-update takes that
                           of the update's channel.
      --whole-block        Print the block that holds the configuration, as a common.Block.
      --ledger FOLDER      The folder with the ledgers. By default orderer.yaml and the environment say
                           where it is, as they do for the node.
      --down HOST:PORT     A consenter that is down; may be given several times. By default all are up.
      --running TYPE       The consensus type that the orderers still work with: it has changed, and they
                           were not restarted.
      --ignore-signatures  End with status 0 if nothing but signatures is missing.
      --json               Print JSON.

    """

  package init() {}

  package func run() throws {
    StandardStreams.writeToError(
      "orderer: error: must select a subcommand of 'config': show, check-update, try --help\n")
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
      let found =
        try block.map { try ConfigBlock.readFile($0) }
        ?? newestConfigBlock(of: channel ?? "", ledger: ledger)
      let json =
        wholeBlock
        ? try ConfigJSON.block(found.serialized()) : try ConfigBlock(found).json()
      try StandardStreams.writeToOutput(json.text.utf8)
    }
  }
}

/// The newest config block in a ledger folder, by default that of the node.
func newestConfigBlock(of channelID: String, ledger: String?) throws -> Block {
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
