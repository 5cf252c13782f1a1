// The command line: `orderer [start]`, `orderer version`, help.

import ArgumentParser
import OrdererServer
import Storage
import ToolCommands

/// The commands of the executable. ArgumentParser checks and dispatches; what the user sees of help
/// and errors follows Fabric's orderer, so `--help` never gets as far as ArgumentParser (see
/// `CommandLineText`).
struct OrdererCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "orderer",
    abstract: CommandLineText.overview,
    subcommands: [
      StartCommand.self, VersionCommand.self, ConfigCommand.self, GenesisCommand.self,
      LedgerCommand.self, RaftCommand.self, BenchmarkCommand.self,
    ],
    defaultSubcommand: StartCommand.self,
    helpNames: [])
}

/// `orderer start`, also what `orderer` alone does.
struct StartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start the orderer node")

  func run() async throws {
    guard await NodeRunner.run() else { throw ExitCode.failure }
  }
}

/// `orderer version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Show version information")

  func run() throws {
    do {
      try StandardStreams.writeToOutput("\(BuildInformation.current.report)\n".utf8)
    } catch {
      StandardStreams.writeToError("orderer version: error: \(error)\n")
      throw ExitCode.failure
    }
  }
}
