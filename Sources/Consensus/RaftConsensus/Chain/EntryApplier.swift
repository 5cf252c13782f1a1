// What the committed entries of the log mean for the ledger.

import BlockLedger
import Blocks
import FabricProtos
import Ordering
import RaftCore
import RaftWire

/// Makes steps out of committed entries, one after the other: what to write, with which metadata, and what
/// to leave alone.
///
/// A value without clock or I/O. A restarted node hands out again what it applied before; such entries are
/// recognized by their index and by the number of their block, so that a block is written once and with the
/// same bytes on every node.
package struct EntryApplier: Sendable {
  /// The next thing to do.
  package enum Step: Sendable {
    /// Nothing: empty, or in the ledger already. `bytes` of data count towards the next snapshot.
    case skip(bytes: Int)
    /// Blocks that may become durable together; their entries have so many bytes of data. `newest` is the
    /// data of the last one.
    case write([MadeBlock], bytes: Int, newest: EntryData)
    /// A config block, which stands alone.
    case writeConfig(MadeBlock, EntryData, Effect)
    /// A change of the membership of the Raft group.
    case change(MembershipChange)
    /// The blocks up to this number have to be pulled before the next entry, which stays: a snapshot stood for fewer
    /// blocks than its index tells.
    case pull(through: UInt64)
  }

  /// The data of an entry that holds a block.
  package struct EntryData: Sendable {
    package let number: UInt64
    package let bytes: ArraySlice<UInt8>
  }

  /// What a config block does to the channel's consensus.
  package enum Effect: Sendable, Equatable {
    case none
    /// The consenters and options are these from here on.
    case configured(ConsenterChange, RaftConfig)
    /// Another consensus type orders from here on.
    case migrated(to: String)
  }

  /// The hash of a block of the ledger; nil if that cannot be told.
  package typealias KnownHash = @Sendable (UInt64) -> [UInt8]?

  private let channelID: String
  private let known: KnownHash
  /// Behind the newest block that was handed out.
  package private(set) var end: ChainEnd
  /// As of the newest block that was handed out.
  package private(set) var consenters: ConsenterSet
  /// In the metadata of the newest block that was handed out.
  package private(set) var raftIndex: LogIndex
  /// Blocks of the ledger when it was opened: what is below is there.
  private let height: UInt64
  /// Up to here all entries were applied when the ledger was opened.
  private let appliedIndex: LogIndex

  /// - Parameters:
  ///   - end: Behind the newest block of the ledger.
  ///   - raftIndex: In the metadata of that block.
  ///   - known: For comparing blocks that the ledger has already.
  init(
    channelID: String, end: ChainEnd, consenters: ConsenterSet, raftIndex: LogIndex,
    known: @escaping KnownHash = { _ in nil }
  ) {
    self.channelID = channelID
    self.known = known
    self.end = end
    self.consenters = consenters
    self.raftIndex = raftIndex
    height = end.height
    appliedIndex = raftIndex
  }
}

extension EntryApplier {
  /// Takes entries from the beginning of `entries`, which have been committed and are in order.
  ///
  /// - Parameter made: The block of an entry that this node proposed itself, if it did.
  /// - Returns: What to do before the next step; nil if there are no entries.
  /// - Throws: `ChannelFault` if a block does not follow on the chain.
  mutating func next(
    _ entries: inout ArraySlice<Entry>, made: (LogPosition) -> AssembledBlock?
  ) throws(ChannelFault) -> (step: Step, through: LogIndex)? {
    var group: [MadeBlock] = []
    var bytes = 0
    var newest: EntryData?
    while let entry = entries.first, entry.kind == .normal, !entry.data.isEmpty {
      let room = GroupCommit.maximumBytes - bytes
      guard group.isEmpty || group.count < GroupCommit.maximumCount && entry.data.count <= room
      else { break }
      if group.isEmpty, let last = try gap(before: entry) {
        return (.pull(through: last), appliedIndex)
      }
      guard let block = try newBlock(of: entry, made) else { break }
      guard !block.kind.isConfigBlock else {
        guard group.isEmpty else { break }
        entries.removeFirst()
        return (try takeConfig(block, entry), entry.index)
      }
      entries.removeFirst()
      bytes += entry.data.count
      group.append(take(block, raftIndex: entry.index))
      newest = EntryData(number: block.header.number, bytes: entry.data)
    }
    if let newest { return (.write(group, bytes: bytes, newest: newest), raftIndex) }
    guard let entry = entries.popFirst() else { return nil }
    return (step(without: entry), entry.index)
  }

  /// What becomes of an entry that is no block which the ledger lacks.
  private func step(without entry: Entry) -> Step {
    // Every node of Fabric passes over a change that it cannot read, so this one has to.
    guard entry.kind != .normal, let change = try? MembershipChange(entry: entry) else {
      return .skip(bytes: entry.kind == .normal ? entry.data.count : 0)
    }
    return .change(change)
  }

  /// The block of an entry; nil if it is in the ledger.
  private func newBlock(
    of entry: Entry, _ made: (LogPosition) -> AssembledBlock?
  ) throws(ChannelFault) -> AssembledBlock? {
    guard entry.index >= appliedIndex else { return nil }
    if let block = made(LogPosition(term: entry.term, index: entry.index)) { return block }
    let block = try EntryBlock.block(in: Array(entry.data), index: entry.index)
    // The index in a config block's metadata may be that of the block before it: numbers decide.
    guard block.header.number >= height else {
      try compare(block.header, index: entry.index)
      return nil
    }
    return try EntryBlock.assembled(
      block, following: end, index: entry.index, channelID: channelID)
  }

  /// The last block that is missing before the first one that is handed out; nil if none is, or this node has nobody to
  /// pull it from.
  ///
  /// Go's orderer takes snapshots while it replays its log, whose block is older than their index: whoever gets one has
  /// the blocks up to that, and the next entry has a later one.
  private func gap(before entry: Entry) throws(ChannelFault) -> UInt64? {
    guard end.height == height, consenters.ids.count > 1, entry.index >= appliedIndex else {
      return nil
    }
    let number = try EntryBlock.block(in: Array(entry.data), index: entry.index).header.number
    return number > height ? number - 1 : nil
  }

  /// Compares a block of the ledger with its entry. After a restart the newest one is handed out again; hashes link it
  /// to all before it. Others are handed out only if the ledger is ahead of the log.
  private func compare(_ header: BlockHeader, index: LogIndex) throws(ChannelFault) {
    let isNewest = header.number + 1 == height
    guard isNewest || index > appliedIndex else { return }
    let expected = isNewest && end.height == height ? end.lastHash : known(header.number)
    let hash = ChainEnd(after: header).lastHash
    guard let expected, hash != expected else { return }
    throw ForkedChain.inLog(
      channelID: channelID, number: header.number, ledger: expected, log: hash, index: index)
  }

  private mutating func take(_ block: AssembledBlock, raftIndex index: LogIndex) -> MadeBlock {
    end = ChainEnd(after: block.header)
    raftIndex = index
    return MadeBlock(
      block,
      consenterMetadata: ConsenterMetadata.wrap(
        consenters.metadata(raftIndex: index).serialized()))
  }

  private mutating func takeConfig(
    _ block: AssembledBlock, _ entry: Entry
  ) throws(ChannelFault) -> Step {
    let data = EntryData(number: block.header.number, bytes: entry.data)
    guard case .configuration(let message) = block.kind else {
      return .writeConfig(take(block, raftIndex: entry.index), data, .none)
    }
    // Where an update touches the consensus, the index is that of the block before: on all nodes, so here too.
    switch try ConsensusTypeUpdate(in: message) {
    case .untouched:
      return .writeConfig(take(block, raftIndex: entry.index), data, .none)
    case .migrated(let type):
      return .writeConfig(take(block, raftIndex: raftIndex), data, .migrated(to: type))
    case .written(let config):
      let change: ConsenterChange
      do { (consenters, change) = try consenters.changed(to: config.consenters) } catch {
        throw ChannelFault("block \(block.header.number) changes the consenters: \(error)")
      }
      return .writeConfig(take(block, raftIndex: raftIndex), data, .configured(change, config))
    }
  }
}
