// `orderer raft`: looks at the raft logs of a node, running or not, and repairs or recovers one that is stopped.

import ArgumentParser
import Foundation
import OrdererConfiguration
import RaftTools
import Storage

/// `orderer raft`.
package struct RaftCommand: ParsableCommand, DescribedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "raft",
    abstract: "List, show, verify, repair and recover the raft logs of channels",
    subcommands: [
      RaftListCommand.self, RaftShowCommand.self, RaftVerifyCommand.self, RaftRepairCommand.self,
      RaftRecoverCommand.self,
    ], helpNames: [])

  package static let help = """
    usage: orderer raft list [--wal FOLDER] [--snapshots FOLDER] [--json]
           orderer raft show CHANNEL [--entries] [--records] [--wal FOLDER] [--snapshots FOLDER]
                             [--json]
           orderer raft verify [CHANNEL ...] [--wal FOLDER] [--snapshots FOLDER] [--json]
           orderer raft repair CHANNEL [...] [--wal FOLDER] [--snapshots FOLDER] [--json]
           orderer raft recover CHANNEL [--voters ID,ID,...] [--node ID] [--discard-log]
                                [--confirm CHANNEL | --dry-run] [--ledger FOLDER] [--wal FOLDER]
                                [--snapshots FOLDER] [--json]

    Reads the write-ahead logs and snapshots of etcdraft channels. Only repair and recover write or lock
    anything, so a node that is running on the folders is not disturbed by the others.

      list    The channels that have a raft log, and whether it is sound.
      show    One channel: hard state, members, segments, snapshots; entries and records if asked for.
      verify  Reads all of the channels' logs and snapshots (of all if none is named) and checks order,
              checksums and the blocks in them. Ends with status 1 if something is lost, or has to be
              repaired before a Go orderer of 2.x or 3.x starts on it.
      repair  Puts right what a crash left: cuts off the rest of an interrupted write (a copy of the file
              is kept with the ending .broken), puts snapshots aside that the log does not know, sets a
              commit index that cannot be. A node of this program does the same when it starts; Go's of
              2.x and 3.x do not. What was durable is never removed. Ends with status 1 if something is
              lost. The node must be stopped.
      recover For a channel whose consenters have lost their majority for good: makes it go on from this
              node's ledger and log, with this node as the only voter. Shows what it is going to do and
              wants the channel's name as a confirmation. The consenters that are given up are removed by
              config updates afterwards, one at a time. The node must be stopped. See docs/raft.md.

    Flags:
      --help               Show help.
      --wal FOLDER         The folder with the logs. By default orderer.yaml and the environment say
                           where it is (Consensus.WALDir), as they do for the node.
      --snapshots FOLDER   The folder with the snapshots, by default Consensus.SnapDir.
      --entries            Also list the entries that are in force.
      --records            Also list every record in the order in which it was written.
      --ledger FOLDER      The folder with the ledgers, by default FileLedger.Location.
      --voters ID,ID,...   Recover with these consenters, this node among them. The command has to be run
                           on each of them before any of them starts.
      --node ID            Which consenter this node is; by default its TLS server certificate tells.
      --discard-log        Go on from the ledger alone, though there is a log: it cannot be used.
      --confirm CHANNEL    Do not ask.
      --dry-run            Only show what would be done.
      --json               Print JSON.

    """

  package init() {}

  package func run() throws {
    StandardStreams.writeToError(
      "orderer: error: must select a subcommand of 'raft': list, show, verify, repair, recover, try --help\n"
    )
    throw ExitCode.failure
  }
}

/// What the subcommands share.
struct RaftOptions: ParsableArguments {
  @Option var wal: String?
  @Option var snapshots: String?
  @Flag var json = false

  func folders() throws -> RaftFolders {
    if let wal, let snapshots { return RaftFolders(logs: wal, snapshots: snapshots) }
    let consensus = try OrdererConfiguration.load().configuration.consensus
    return RaftFolders(
      logs: wal ?? consensus.walDir, snapshots: snapshots ?? consensus.snapDir)
  }
}

/// `orderer raft list`.
struct RaftListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", helpNames: [])

  @OptionGroup var options: RaftOptions

  func run() throws {
    try carryOut("raft list") {
      let folders = try options.folders()
      let reports = try folders.channelIDs().map { try RaftVerification(folders.channel($0)) }
      if options.json {
        try LedgerOptions.printJSON(reports)
      } else {
        try LedgerOptions.print(RaftText.table(reports))
      }
    }
  }
}

/// `orderer raft show`.
struct RaftShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", helpNames: [])

  @Argument var channel: String
  @Flag var entries = false
  @Flag var records = false
  @OptionGroup var options: RaftOptions

  func run() throws {
    try carryOut("raft show") {
      let raft = try RaftDescription(
        options.folders().channel(channel), entries: entries, records: records)
      if options.json {
        try LedgerOptions.printJSON(raft)
      } else {
        try LedgerOptions.print(RaftText.description(raft))
      }
    }
  }
}

/// `orderer raft verify`.
struct RaftVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "verify", helpNames: [])

  @Argument var channels: [String] = []
  @OptionGroup var options: RaftOptions

  func run() throws {
    try carryOut("raft verify") {
      let folders = try options.folders()
      let reports = try (channels.isEmpty ? folders.channelIDs() : channels).map {
        try RaftVerification(folders.channel($0))
      }
      if options.json {
        try LedgerOptions.printJSON(reports)
      } else {
        for report in reports { try LedgerOptions.print(RaftText.report(report)) }
      }
      guard reports.allSatisfy(\.isSound) else { throw ExitCode.failure }
    }
  }
}

/// `orderer raft repair`.
struct RaftRepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "repair", helpNames: [])

  @Argument var channels: [String]
  @OptionGroup var options: RaftOptions

  func run() throws {
    try carryOut("raft repair") {
      let folders = try options.folders()
      let repairs = try channels.map { try RaftRepair(folders.channel($0)) }
      if options.json {
        try LedgerOptions.printJSON(repairs)
      } else {
        for repair in repairs { try LedgerOptions.print(RaftText.repair(repair)) }
      }
    }
  }
}
