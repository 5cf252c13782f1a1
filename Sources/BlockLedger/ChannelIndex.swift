// The entries that one channel has in the LevelDB index, under the keys that the Go implementation
// uses, so that either can take over the other's folder.

import FabricProtos

/// Where a block's record begins.
struct BlockLocation: Equatable, Sendable {
  /// Number of the block file.
  var file: Int
  /// Offset of the record's length prefix in it, in bytes.
  var offset: Int64
}

/// One channel's part of the index.
///
/// Layout (Fabric: `blkstorage/blockindex.go`, `blockfile_mgr.go`, `leveldbhelper`): every key is
/// the channel's name, a zero byte, and then
/// - `n` and the order-preserving form of a block number, for where the block is,
/// - `indexCheckpointKey`, for the number of the last block that has such an entry,
/// - `blkMgrInfo`, for the newest block file, its size, and the last block.
///
/// The orderer indexes by block number only, and such an index has no format-version key (`_`, zero
/// byte, `f`): the Go implementation refuses one that has.
struct ChannelIndex: Sendable {
  /// What `blkMgrInfo` says.
  struct Checkpoint: Equatable, Sendable {
    /// Number of the block file that is appended to.
    var file: Int
    /// Its size, in bytes.
    var size: Int64
    var lastBlock: UInt64
    /// The chain is empty; ``lastBlock`` means nothing then.
    var isEmpty: Bool
  }

  /// An entry that is to be made.
  struct Entry: Sendable {
    var number: UInt64
    var location: BlockLocation
  }

  let database: LevelDB
  private let prefix: [UInt8]

  init(database: LevelDB, channelID: String) {
    self.database = database
    prefix = Array(channelID.utf8) + [0]
  }

  func checkpoint() throws(LevelDB.Failure) -> Checkpoint? {
    guard let value = try database.get(key("blkMgrInfo")) else { return nil }
    var index = 0
    func next() -> UInt64? { Varint.read(value, at: &index, end: value.count) }
    guard let file = next(), let size = next(), let last = next(), let empty = next(),
      let file = Int(exactly: file), let size = Int64(exactly: size)
    else { return nil }
    return Checkpoint(file: file, size: size, lastBlock: last, isEmpty: empty == 1)
  }

  /// Number of the last block that has an entry.
  func lastIndexed() throws(LevelDB.Failure) -> UInt64? {
    guard let value = try database.get(key("indexCheckpointKey")) else { return nil }
    var index = 0
    return Varint.read(value, at: &index, end: value.count)
  }

  /// Where block `number` should be. What is found there has to be checked.
  func location(_ number: UInt64) throws(LevelDB.Failure) -> BlockLocation? {
    guard let value = try database.get(blockKey(number)) else { return nil }
    var index = 0
    guard let file = Varint.read(value, at: &index, end: value.count),
      let offset = Varint.read(value, at: &index, end: value.count),
      let file = Int(exactly: file), let offset = Int64(exactly: offset)
    else { return nil }
    return BlockLocation(file: file, offset: offset)
  }

  /// Makes entries and moves the checkpoint, all in one.
  ///
  /// - Parameter lastIndexed: what ``lastIndexed()`` is to say; by default the number of the last
  ///   of the entries, if there are any.
  func record(
    _ entries: some Sequence<Entry>, lastIndexed: UInt64? = nil, checkpoint: Checkpoint?,
    synchronized: Bool
  ) throws(LevelDB.Failure) {
    var batch = LevelDB.Batch()
    var last = lastIndexed
    for entry in entries {
      batch.put(blockKey(entry.number), Self.value(entry.location))
      if lastIndexed == nil { last = entry.number }
    }
    if let last {
      var value: [UInt8] = []
      Varint.append(last, to: &value)
      batch.put(key("indexCheckpointKey"), value)
    }
    if let checkpoint { batch.put(key("blkMgrInfo"), Self.value(checkpoint)) }
    try database.write(batch, synchronized: synchronized)
  }

  /// Corrects one entry without moving what is known of the last one.
  func correct(_ entry: Entry) throws(LevelDB.Failure) {
    var batch = LevelDB.Batch()
    batch.put(blockKey(entry.number), Self.value(entry.location))
    try database.write(batch, synchronized: false)
  }

  /// Forgets ``checkpoint()``, but not the entries.
  func removeCheckpoint() throws(LevelDB.Failure) {
    var batch = LevelDB.Batch()
    batch.delete(key("blkMgrInfo"))
    try database.write(batch, synchronized: true)
  }

  /// Deletes the entries of blocks from `number` on.
  func removeBlocks(from number: UInt64) throws(LevelDB.Failure) {
    try remove(from: blockKey(number), below: key("o"))
  }

  /// Deletes all that the channel has in the index.
  func removeAll() throws(LevelDB.Failure) {
    try remove(from: prefix, below: Array(prefix.dropLast()) + [1])
  }

  private func remove(from start: [UInt8], below end: [UInt8]) throws(LevelDB.Failure) {
    while true {
      let keys = try database.keys(from: start, below: end, limit: 10_000)
      guard !keys.isEmpty else { return }
      var batch = LevelDB.Batch()
      for key in keys { batch.delete(key) }
      try database.write(batch, synchronized: true)
    }
  }

  private func key(_ name: String) -> [UInt8] { prefix + Array(name.utf8) }

  /// `n`, the count of the number's significant bytes, those bytes with the highest first. Sorts as
  /// the numbers do (Fabric: `EncodeOrderPreservingVarUint64`).
  private func blockKey(_ number: UInt64) -> [UInt8] {
    let significant = (71 - number.leadingZeroBitCount) / 8
    var key = prefix
    key.reserveCapacity(prefix.count + 2 + significant)
    key.append(UInt8(ascii: "n"))
    key.append(UInt8(significant))
    for index in stride(from: significant - 1, through: 0, by: -1) {
      key.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index)))
    }
    return key
  }

  private static func value(_ location: BlockLocation) -> [UInt8] {
    var value: [UInt8] = []
    Varint.append(UInt64(location.file), to: &value)
    Varint.append(UInt64(location.offset), to: &value)
    // The length, which Go's orderer leaves at 0 for blocks.
    value.append(0)
    return value
  }

  private static func value(_ checkpoint: Checkpoint) -> [UInt8] {
    var value: [UInt8] = []
    Varint.append(UInt64(checkpoint.file), to: &value)
    Varint.append(UInt64(checkpoint.size), to: &value)
    Varint.append(checkpoint.lastBlock, to: &value)
    value.append(checkpoint.isEmpty ? 1 : 0)
    return value
  }
}
