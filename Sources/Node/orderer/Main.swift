// Where the process begins and ends.

import ArgumentParser
import Foundation
import Storage

@main
enum Main {
  static func main() async {
    StandardStreams.occupy()
    exit(await run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Runs a command line to its end; the result is the exit status.
  private static func run(_ arguments: [String]) async -> Int32 {
    switch CommandLineText.help(for: arguments) {
    case .text(let text):
      return show(text)
    case .unknownTopic(let topic):
      complain("expected command but got \"\(topic)\"")
      return 1
    case .unexpected(let argument):
      complain(CommandLineText.complaint("unexpected argument '\(argument)'"))
      return 1
    case nil:
      break
    }
    var command: any ParsableCommand
    do {
      command = try OrdererCommand.parseAsRoot(arguments)
    } catch {
      complain(CommandLineText.complaint(OrdererCommand.message(for: error)))
      return CommandLineText.usageStatus(for: arguments)
    }
    do {
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      return OrdererCommand.exitCode(for: error).rawValue
    }
    return 0
  }

  private static func show(_ text: String) -> Int32 {
    do {
      try StandardStreams.writeToOutput("\(text)\n".utf8)
      return 0
    } catch {
      complain("\(error)")
      return 1
    }
  }

  private static func complain(_ text: String) {
    StandardStreams.writeToError("orderer: error: \(text)\n")
  }
}
