// Help and error texts in the layout of Fabric's orderer, which scripts look at.

import ArgumentParser
import ToolCommands

enum CommandLineText {
  static let overview = "Hyperledger Fabric orderer node"

  enum Help {
    case text(String)
    /// `help` was asked about something that is not a command.
    case unknownTopic(String)
    /// `--help` follows something that is not a command.
    case unexpected(String)
  }

  private static let commands: [any ParsableCommand.Type] = [
    StartCommand.self, VersionCommand.self,
    ConfigCommand.self, GenesisCommand.self, LedgerCommand.self,
    RaftCommand.self, BenchmarkCommand.self,
  ]

  /// The exit status if these arguments make no sense.
  static func usageStatus(for arguments: [String]) -> Int32 {
    let command = commands.first { $0.configuration.commandName == arguments.first }
    return (command as? any DescribedCommand.Type)?.usageStatus ?? 1
  }

  /// The help that the arguments ask for, by `help [<command>]` or `--help`; nil if they do not.
  static func help(for arguments: [String]) -> Help? {
    if arguments.first == "help" {
      let topics = arguments.dropFirst().filter { $0 != "--help" }
      guard let topic = topics.first else { return .text(usage) }
      return topicHelp(topic) ?? .unknownTopic(topic)
    }
    guard arguments.contains("--help") else { return nil }
    guard let command = arguments.first(where: { !$0.hasPrefix("-") }) else { return .text(usage) }
    return topicHelp(command) ?? .unexpected(command)
  }

  private static func topicHelp(_ name: String) -> Help? {
    if name == "help" { return .text(usage) }
    guard let command = commands.first(where: { $0.configuration.commandName == name }) else {
      return nil
    }
    if let described = command as? any DescribedCommand.Type { return .text(described.help) }
    return .text(
      """
      usage: orderer \(name)

      \(command.configuration.abstract)

      \(flags)
      """)
  }

  private static let flags = """
    Flags:
      --help  Show help.

    """

  /// The help of the whole program. The star marks the command that runs when none is named.
  static var usage: String {
    let list = commands.map { command in
      let isDefault = command == OrdererCommand.configuration.defaultSubcommand
      let name = (command.configuration.commandName ?? "") + (isDefault ? "*" : "")
      return "  \(name)\n    \(command.configuration.abstract)\n"
    }
    return """
      usage: orderer [<flags>] <command> [<args> ...]

      \(overview)

      \(flags)
      Commands:
        help [<command>...]
          Show help.

      \(list.joined(separator: "\n"))
      """
  }

  /// One line out of what ArgumentParser says about a bad command line.
  static func complaint(_ message: String) -> String {
    let line = message.prefix { !$0.isNewline }
    return line.prefix(1).lowercased() + line.dropFirst() + ", try --help"
  }
}
