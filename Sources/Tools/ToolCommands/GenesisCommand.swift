// `orderer genesis`: genesis blocks and channel-creation transactions out of configtx.yaml.

import ArgumentParser
import Foundation
import GenesisProfiles
import Storage

/// `orderer genesis`.
package struct GenesisCommand: ParsableCommand, DescribedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "genesis",
    abstract: "Write a genesis block or a channel-creation transaction", helpNames: [])

  package static let help = """
    usage: orderer genesis --profile NAME --channel ID [--config FILE] [--output FILE] [--channel-tx]

    Makes the genesis block of channel ID from a profile of configtx.yaml. From a profile without an
    Orderer section, which no genesis block can be made of, it makes the transaction that asks the
    orderers for the channel instead (to be submitted with `peer channel create`).

    Flags:
      --help                   Show help.
      --profile NAME           The profile.
      --channel ID             The channel: up to 249 of a-z, 0-9, dot and dash, first a letter.
      --config FILE            The configtx.yaml. By default it is looked for as orderer.yaml is: in
                               FABRIC_CFG_PATH, then in the current folder, then in
                               /etc/hyperledger/fabric.
      --output FILE            The file to write, replacing the one that is there; "-" for standard
                               output. By default ID.block or ID.tx in the current folder.
      --channel-tx             Make a channel-creation transaction, whatever the profile has.
      --system-profile NAME    With --channel-tx: the profile of the system channel, if the new channel
                               is to differ from it in more than its application.

    """

  package init() {}

  @Option var profile: String
  @Option var channel: String
  @Option var config: String?
  @Option var output: String?
  @Option var systemProfile: String?
  @Flag var channelTx = false

  package func validate() throws {
    guard systemProfile == nil || channelTx else {
      throw ValidationError("--system-profile goes with --channel-tx only")
    }
  }

  package func run() throws {
    try carryOut("genesis") {
      let environment = ProcessInfo.processInfo.environment
      let document = try document(environment)
      let profile = try document.profile(profile)
      let base = try systemProfile.map { try document.profile($0) }
      for warning in document.warnings + profile.warnings + (base?.warnings ?? []) {
        StandardStreams.writeToError("orderer genesis: warning: \(warning)\n")
      }
      let isTransaction = channelTx || (profile.orderer == nil && profile.consortium != nil)
      let bytes: [UInt8]
      if isTransaction {
        bytes = try ChannelCreation.transaction(
          profile: profile, channelID: channel, systemChannel: base,
          timestamp: Int64(Date().timeIntervalSince1970)
        ).serializedBytes()
      } else {
        bytes = try GenesisBlockFactory.block(
          profile: profile, channelID: channel, now: Date()
        ).serialized()
      }
      try write(
        bytes, isTransaction ? "channel-creation transaction" : "genesis block", isTransaction)
    }
  }

  private func document(_ environment: [String: String]) throws -> ProfileDocument {
    if let config { return try ProfileDocument(contentsOf: config, environment: environment) }
    return try ProfileDocument(
      searchingFrom: FileManager.default.currentDirectoryPath, environment: environment)
  }

  private func write(_ bytes: [UInt8], _ what: String, _ isTransaction: Bool) throws {
    let path = output ?? "\(channel).\(isTransaction ? "tx" : "block")"
    try writeResult(bytes, to: path)
    guard path != "-" else { return }
    StandardStreams.writeToError("Wrote the \(what) of channel \(channel) to \(path)\n")
  }
}
