// Where the process begins and ends.

import ArgumentParser
import Foundation

@main
enum Main {
  static func main() async {
    exit(await run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Runs a command line to its end; the result is the exit status.
  private static func run(_ arguments: [String]) async -> Int32 {
    switch CommandLineText.help(for: arguments) {
    case .text(let text):
      print(text)
      return 0
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
      return 1
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

  private static func complain(_ text: String) {
    FileHandle.standardError.write(Data("orderer: error: \(text)\n".utf8))
  }
}
