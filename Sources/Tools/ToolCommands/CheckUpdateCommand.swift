// `orderer config check-update`: what a config update would do, before it is handed in.

import ArgumentParser
import ConfigTools
import Foundation
import Storage
import UpdateChecks

/// `orderer config check-update`.
struct CheckUpdateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "check-update", helpNames: [])

  @Argument var update: String
  @Option var block: String?
  @Option var ledger: String?
  @Option var running: String?
  @Option var down: [String] = []
  @Flag var ignoreSignatures = false
  @Flag var json = false

  func validate() throws {
    guard block == nil || ledger == nil else {
      throw ValidationError("Either --block FILE or --ledger FOLDER can be given")
    }
  }

  func run() throws {
    try carryOut("config check-update") {
      let update = try UpdateFile(path: update)
      let found =
        try block.map { try ConfigBlock.readFile($0) }
        ?? newestConfigBlock(of: update.channelID, ledger: ledger)
      let report = try UpdateCheck(update, on: found, running: running, down: down, now: Date())
        .run()
      if json {
        try LedgerOptions.printJSON(report)
      } else {
        try LedgerOptions.print(UpdateText.report(report))
      }
      guard report.isAccepted || ignoreSignatures && report.isSound else { throw ExitCode.failure }
    }
  }
}
