// How a node gets all that a system channel has brought about, before it serves.

import BlockLedger
import Blocks
import ChannelConfig
import FabricProtos
import Followers
import Ordering
import Replication

/// Replicates the channels of a system channel up to a config block of that channel, which is trusted (Fabric:
/// `onboarding.ReplicationInitiator`): the genesis blocks of all channels, all blocks of those that name this node,
/// and last the system channel itself. Its height tells that all is here, so what a crash cuts short is done again.
struct Onboarding {
  let registrar: Registrar
  /// The trusted block.
  let boot: JoinPoint
  /// That block in wire form, to be noted before anything is written: the next start goes on then, if this one does not
  /// come to its end. Nil if it is noted already.
  var unnoted: [UInt8]?

  private var channelID: String { boot.bundle.channelID }

  /// - Throws: `PullFailure` if nobody sends the system channel; ``ForeignSystemChannel``; what committing throws.
  func run() async throws {
    let logger = registrar.logger
    guard try await heightOfSystemChannel() <= boot.number else {
      return logger.info("Replication isn't needed")
    }
    logger.info("Will now replicate chains")
    let history = try await readHistory()
    if let unnoted { try await registrar.ledgers.joins?.save(channelID, unnoted) }
    logger.info(
      "Discovered \(history.channels.count) channels: [\(names(history.channels.map(\.name)))]")
    var members: [String: UInt64] = [:]
    for channel in history.channels {
      members[channel.name] = try await replication(of: channel.name).heightIfMember()
    }
    logger.info("Found myself in \(members.count) channels out of \(history.channels.count)")
    for channel in history.channels { try await begin(channel) }
    for (name, height) in members.sorted(by: { $0.key < $1.key }) {
      try await pull(name, through: height - 1)
    }
    try await pullSystemChannel(history)
  }

  private func names(_ names: [String]) -> String { names.joined(separator: " ") }

  private func replication(of channelID: String) -> ChannelReplication {
    ChannelReplication(registrar: registrar, channelID: channelID, endpoints: boot.bundle)
  }

  /// No ledger is made only to find out.
  private func heightOfSystemChannel() async throws -> UInt64 {
    guard try registrar.ledgers.channelIDs().contains(channelID) else { return 0 }
    return try await registrar.ledgers.openOrCreate(channelID).height
  }

  /// Reads the system channel, which tells of all channels, and checks that it leads to the trusted block.
  private func readHistory() async throws -> SystemChannelHistory {
    var history = SystemChannelHistory(channelID: channelID)
    guard boot.number > 0 else { return history }
    let collected = Collected(history)
    try await registrar.blocks.pull(
      behind: ChainTrust(linksOf: channelID, end: ChainEnd(height: 0, lastHash: [])),
      through: boot.number - 1, from: .fixed(boot.bundle)
    ) { run in try collected.note(run) }
    history = collected.history
    guard history.lastHash == boot.header.previousHash else {
      throw ForeignSystemChannel(channelID: channelID, number: boot.number)
    }
    return history
  }

  /// Writes a channel's genesis block, if it is not there yet.
  private func begin(_ channel: SystemChannelHistory.Channel) async throws {
    let store = try await registrar.ledgers.openOrCreate(channel.name)
    guard store.height == 0 else {
      return registrar.logger.info(
        """
        Skipping commit of block [0] for channel \(channel.name) because height is at \(store.height)
        """)
    }
    try await registrar.append(channel.genesis, to: store)
    registrar.logger.info("Committed block [0] for channel \(channel.name)")
  }

  /// Pulls a channel that names this node. If nobody sends it, its chain gets the rest, or the channel is tracked.
  private func pull(_ name: String, through last: UInt64) async throws {
    let store = try await registrar.ledgers.openOrCreate(name)
    do {
      try await replication(of: name).pull(into: store, through: last)
    } catch let failure as PullFailure {
      registrar.logger.warning("Failed pulling channel \(name): \(failure)")
    }
  }

  private func pullSystemChannel(_ history: SystemChannelHistory) async throws {
    registrar.logger.info("Pulling channel \(channelID)")
    let store = try await registrar.ledgers.openOrCreate(channelID)
    guard history.leads(from: store.height, store.lastBlockHash) else {
      throw ForeignSystemChannel(channelID: channelID, number: boot.number)
    }
    let ledger = replication(of: channelID).ledger(
      store, bundle: store.height > 0 ? try Registrar.bundle(of: store) : nil, last: boot)
    try await registrar.blocks.pull(
      behind: ChainTrust(
        linksOf: channelID, end: ChainEnd(height: store.height, lastHash: store.lastBlockHash)),
      through: boot.number, from: .fixed(boot.bundle)
    ) { run in
      guard run.allSatisfy({ $0.header.number == boot.number || history.holds($0.header) }) else {
        throw ForeignSystemChannel(channelID: channelID, number: boot.number)
      }
      try await ledger.commit(run)
    }
    registrar.logger.info("Pulled channel \(channelID), height \(store.height)")
  }
}

/// What others have as the system channel is not the one of the trusted block.
struct ForeignSystemChannel: Error, CustomStringConvertible {
  let channelID: String
  let number: UInt64

  var description: String {
    """
    System channel pulled doesn't match the boot last config block: channel \(channelID) of the other orderers, or of \
    this node's ledger, does not lead to block \(number) that this node was given. Give it a config block of the right \
    network; if it was joined, delete its file in pendingops/join of the ledger folder
    """
  }
}
