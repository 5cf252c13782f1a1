// How a channel goes on whose group has lost its majority for good: from one node's ledger and log, with fewer voters.

import BlockLedger
import Blocks
import ChannelConfig
import FabricCrypto
import FabricProtos
import RaftConsensus
import RaftCore
import RaftLog
import RaftWire

/// What `orderer raft recover` is going to do, for an operator to look at first.
///
/// The log gets a snapshot at the newest block of the ledger in which the kept consenters alone have a vote; the others
/// stay members without one, so that the configuration can remove them one at a time. What the log has behind that
/// block stays behind it, in the same places; only changes of the membership in it become empty entries. Nothing of
/// it counts as committed until the new voters have elected a leader: so whoever has it will have it all.
package struct RaftRecovery: Sendable, Encodable {
  package struct Consenter: Sendable, Encodable {
    package let id: NodeID
    /// `host:port`
    package let endpoint: String
    /// Whether it has a vote from now on. Others are given up.
    package let votes: Bool
    package let isThisNode: Bool
  }

  /// What an operator chooses.
  package struct Choice: Sendable {
    /// This node's TLS server certificate in PEM, by which it knows itself.
    package var certificate: [UInt8]?
    /// This node's id, if it is not to be found by the certificate.
    package var node: NodeID?
    /// Whose votes count from now on; this node's alone if there are none.
    package var voters: Set<NodeID> = []
    /// Whether to go on from the ledger alone although there is a log.
    package var discardsLog = false

    package init() {}
  }

  package let channel: String
  package let node: NodeID
  /// Blocks in the ledger.
  package let height: UInt64
  /// Hash of the newest block's header, in hexadecimal.
  package let newestBlockHash: String
  /// Blocks behind it that the log has and the ledger gets when the node starts.
  package let blocksInLog: UInt64
  package let consenters: [Consenter]
  /// Where the new log begins.
  package let index: LogIndex
  package let term: Term
  /// Why nothing is taken from the log; nil if it is.
  package let logUnused: String?

  let snapshot: Snapshot
  let entries: [Entry]
  let hardState: HardState

  private enum CodingKeys: CodingKey {
    case channel, node, height, newestBlockHash, blocksInLog, consenters, index, term, logUnused
  }

  /// Looks at what is there, and changes nothing.
  ///
  /// - Throws: ``RaftToolsError`` if the channel cannot go on from here, or not without the operator's word.
  package init(
    _ location: RaftStorage.Location, ledger: StoredChain, _ choice: Choice
  ) throws {
    let tip = try RecoveredTip(ledger)
    let log = try RecoveredLogEnd(location, tip, choice)
    var consenters = tip.consenters
    if !log.entries.isEmpty {
      let unapplied = try UnappliedBlocks(
        behind: tip.block, config: tip.config, channelID: tip.channelID, entries: log.entries)
      consenters = unapplied.consenters
      blocksInLog = unapplied.count
    } else {
      blocksInLog = 0
    }
    node = try Self.node(choice, consenters)
    let voters = choice.voters.isEmpty ? [node] : choice.voters
    try Self.check(voters, node, consenters, isBehindLog: log.position != nil)
    channel = tip.channelID
    height = tip.block.header.number + 1
    newestBlockHash = hexadecimal(tip.hash)
    (index, term, logUnused) = (log.start.index, log.start.term, log.unused)
    let own = node
    self.consenters = zip(consenters.ids, consenters.consenters).map { id, one in
      Consenter(
        id: id, endpoint: "\(one.host):\(one.port)", votes: voters.contains(id),
        isThisNode: id == own)
    }
    snapshot = Snapshot(
      index: index, term: term,
      members: MembershipState(
        voters: voters.sorted(), learners: consenters.ids.filter { !voters.contains($0) }.sorted()),
      data: EntryBlock.serialized(tip.block)[...])
    entries = log.entries.map { $0.kind == .normal ? $0 : Entry(term: $0.term, index: $0.index) }
    hardState = HardState(term: log.nextTerm, vote: 0, commit: max(log.commit, index))
  }

  /// Puts the new log in the place of the old one.
  ///
  /// - Returns: The folders in which the old files are kept.
  package func carryOut(_ replacement: LogReplacement) throws(RaftLogError) -> [String] {
    try replacement.replace(by: snapshot, entries, hardState)
  }

  private static func node(_ choice: Choice, _ consenters: ConsenterSet) throws -> NodeID {
    if let node = choice.node {
      guard consenters.ids.contains(node) else {
        throw RaftToolsError(
          "there is no consenter \(node); the channel has \(list(consenters.ids))")
      }
      return node
    }
    guard let key = choice.certificate.flatMap(ConsenterKey.init(pem:)),
      let node = consenters.id(of: key)
    else {
      throw RaftToolsError(
        """
        none of the channel's consenters has the key of this node's TLS server certificate \
        (General.Cluster.ServerCertificate, or else General.TLS.Certificate): say with --node which of \
        \(list(consenters.ids)) this node is
        """)
    }
    return node
  }

  private static func check(
    _ voters: Set<NodeID>, _ node: NodeID, _ consenters: ConsenterSet, isBehindLog: Bool
  ) throws {
    let strangers = voters.subtracting(consenters.ids)
    guard strangers.isEmpty else {
      throw RaftToolsError(
        "\(list(strangers)): no such consenter; the channel has \(list(consenters.ids))")
    }
    guard voters.contains(node) else {
      throw RaftToolsError(
        "this node is consenter \(node): run the command on a node that is to have a vote")
    }
    guard voters.count == 1 || isBehindLog else {
      throw RaftToolsError(
        """
        the log of this node does not reach the ledger's newest block, so that it cannot be compared with the logs \
        of others: recover with this node alone (without --voters), then remove the others and add them again
        """)
    }
  }

  static func list(_ ids: some Sequence<NodeID>) -> String {
    ids.sorted().map(String.init).joined(separator: ", ")
  }
}

/// The newest block of a ledger, and what the channel's configuration says there.
struct RecoveredTip {
  let channelID: String
  let block: Block
  let hash: [UInt8]
  let config: RaftConfig
  let consenters: ConsenterSet
  /// In the block's metadata.
  let raftIndex: LogIndex

  init(_ chain: StoredChain) throws {
    channelID = chain.channelID
    let height = try chain.height()
    guard height > 0 else {
      throw RaftToolsError("the ledger of channel \(channelID) has no block")
    }
    let newest = try chain.block(height - 1)
    block = newest.block
    hash = newest.headerHash
    let number = try block.lastConfigIndex(channelID: channelID)
    guard let entry = try chain.block(number).block.data.first else {
      throw RaftToolsError("config block \(number) of channel \(channelID) is empty")
    }
    let orderer = try ConfigBundle(configEnvelope: entry).orderer
    guard let orderer, orderer.consensusType == RaftConfig.type else {
      throw RaftToolsError(
        """
        the consensus type of channel \(channelID) is \(orderer?.consensusType ?? "unknown"), not \
        \(RaftConfig.type)
        """)
    }
    config = try RaftConfig(serialized: orderer.consensusMetadata)
    (consenters, raftIndex) = try UnappliedBlocks.consenters(of: block, config: config)
  }
}
