// `orderer raft recover`: makes a channel go on whose consenters have lost their majority for good.

import ArgumentParser
import BlockLedger
import Foundation
import OrdererConfiguration
import RaftLog
import RaftTools
import Storage

/// `orderer raft recover`.
struct RaftRecoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "recover", helpNames: [])

  /// The largest PEM file that is read, in bytes.
  private static let maximumCertificate = 4 << 20

  @Argument var channel: String
  @Option var voters: String?
  @Option var node: UInt64?
  @Flag var discardLog = false
  @Option var confirm: String?
  @Flag var dryRun = false
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var options: RaftOptions

  func run() throws {
    try carryOut("raft recover") {
      let folder = try ledger.folder()
      let chain = try folder.chain(channel)
      // Held until the end, so that no node starts meanwhile.
      let ledgerLock = try Self.lock(folder)
      let replacement = try LogReplacement(options.folders().location(channel))
      try withExtendedLifetime((ledgerLock, replacement)) {
        let recovery = try RaftRecovery(replacement.location, ledger: chain, choice())
        try show(recovery)
        guard !dryRun, try isConfirmed() else { return }
        let kept = try recovery.carryOut(replacement)
        if !options.json { try LedgerOptions.print(RaftText.outcome(recovery, kept: kept)) }
      }
    }
  }

  private func show(_ recovery: RaftRecovery) throws {
    if options.json { return try LedgerOptions.printJSON(recovery) }
    try LedgerOptions.print(RaftText.plan(recovery))
  }

  private func choice() throws -> RaftRecovery.Choice {
    var choice = RaftRecovery.Choice()
    choice.node = node
    choice.discardsLog = discardLog
    if let voters {
      for part in voters.split(separator: ",", omittingEmptySubsequences: false) {
        guard let id = UInt64(part) else {
          throw RecoverError("--voters is \(voters): give the ids of consenters, e.g. 1,3")
        }
        choice.voters.insert(id)
      }
    }
    guard node == nil else { return choice }
    let general = try OrdererConfiguration.load().configuration.general
    let path =
      general.cluster.hasOwnListener ? general.cluster.serverCertificate : general.tls.certificate
    choice.certificate = try? BoundedFile.read(path, limit: Self.maximumCertificate)
    return choice
  }

  /// Whether the operator wants it.
  private func isConfirmed() throws -> Bool {
    if let confirm {
      guard confirm == channel else {
        throw RecoverError("--confirm is \(confirm), not \(channel): nothing was changed")
      }
      return true
    }
    guard isatty(STDIN_FILENO) == 1 else {
      throw RecoverError("nothing was changed: confirm with --confirm \(channel)")
    }
    StandardStreams.writeToError("Type the name of the channel to go on: ")
    guard readLine() == channel else { throw RecoverError("nothing was changed") }
    return true
  }

  /// Locks the ledger's index, which a running orderer has. Without an index nobody uses the ledger.
  private static func lock(_ folder: LedgerFolder) throws -> File? {
    let path = "\(folder.directory)/index/LOCK"
    guard Folder.exists(path) else { return nil }
    let file = try File(path, .updating)
    guard try file.lockRecords() else {
      throw RecoverError("an orderer is running on \(folder.directory): stop it first")
    }
    return file
  }
}

private struct RecoverError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
