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
/// - `blkMgrInfo`, for the newest block file, its size, and the last block,
/// - `x` and again the form of a block number, for the block's fingerprint,
/// - `lastBoot`, for the boot of the machine in which the ledger was opened last. These two are our
///   own; Go's orderer asks for keys by name only and deletes all keys of a channel that it
///   removes, so it never sees them and leaves none behind.
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
    /// Nil while the chain is empty.
    var lastBlock: UInt64?
  }

  /// An entry to make.
  struct Entry: Sendable {
    var number: UInt64
    var location: BlockLocation
    /// The block's fingerprint, taken once its data hash was verified; nil to keep what is there.
    var fingerprint: BlockFingerprint?
  }

  let database: LevelDB
  let channelID: String
  private let prefix: [UInt8]

  init(database: LevelDB, channelID: String) {
    self.database = database
    self.channelID = channelID
    prefix = Array(channelID.utf8) + [0]
  }

  func checkpoint() throws(LevelDB.Failure) -> Checkpoint? {
    guard let value = try database.get(key("blkMgrInfo")) else { return nil }
    var index = 0
    func next() -> UInt64? { Varint.read(value, at: &index, end: value.count) }
    guard let file = next(), let size = next(), let last = next(), let empty = next(),
      let file = Int(exactly: file), let size = Int64(exactly: size)
    else { return nil }
    return Checkpoint(file: file, size: size, lastBlock: empty == 1 ? nil : last)
  }

  /// Number of the last block that has an entry.
  func lastIndexed() throws(LevelDB.Failure) -> UInt64? {
    guard let value = try database.get(key("indexCheckpointKey")) else { return nil }
    var index = 0
    return Varint.read(value, at: &index, end: value.count)
  }

  /// The ``BootMark`` with which the ledger was opened last; empty if that is not known.
  ///
  /// A block is in the index before anybody sees it. Without a sync, that survives the process, but
  /// not a crash of the machine. So what this boot's index does not know has never been seen.
  func lastBoot() throws(LevelDB.Failure) -> [UInt8] { try database.get(key("lastBoot")) ?? [] }

  func forgetBoot() throws(LevelDB.Failure) {
    guard try !lastBoot().isEmpty else { return }
    var batch = LevelDB.Batch()
    batch.delete(key("lastBoot"))
    try database.write(batch, synchronized: false)
  }

  /// Where block `number` should be. What is found there has to be checked.
  func location(_ number: UInt64) throws(LevelDB.Failure) -> BlockLocation? {
    guard let value = try database.get(numberKey(Self.locationTag, number)) else { return nil }
    var index = 0
    guard let file = Varint.read(value, at: &index, end: value.count),
      let offset = Varint.read(value, at: &index, end: value.count),
      let file = Int(exactly: file), let offset = Int64(exactly: offset)
    else { return nil }
    return BlockLocation(file: file, offset: offset)
  }

  /// What blocks of `range` should be. What is found there has to be compared.
  ///
  /// - Returns: the fingerprints that there are, in order.
  func fingerprints(
    _ range: Range<UInt64>
  ) throws(LevelDB.Failure) -> [(number: UInt64, fingerprint: BlockFingerprint)] {
    let tagged = prefix.count + 1
    var found: [(number: UInt64, fingerprint: BlockFingerprint)] = []
    try database.visit(
      from: numberKey(Self.fingerprintTag, range.lowerBound),
      below: numberKey(Self.fingerprintTag, range.upperBound), limit: range.count
    ) { key, value in
      guard let number = Self.number(key.dropFirst(tagged)), range.contains(number),
        let fingerprint = Self.fingerprint(value)
      else { return }
      found.append((number, fingerprint))
    }
    return found
  }

  /// Adds fingerprints of blocks that have been verified, if the database takes them: it is not
  /// repaired for their sake.
  func add(
    _ fingerprints: [(number: UInt64, fingerprint: BlockFingerprint)]
  ) throws(LevelDB.Failure) {
    var batch = LevelDB.Batch()
    for (number, fingerprint) in fingerprints {
      batch.put(numberKey(Self.fingerprintTag, number), Self.value(fingerprint))
    }
    try database.writeIfSound(batch)
  }

  /// Makes entries and moves the checkpoint, all in one batch.
  ///
  /// - Parameter lastIndexed: what ``lastIndexed()`` will return; by default the number of the last
  ///   of the entries, if there are any.
  /// - Parameter boot: what ``lastBoot()`` will return; unchanged if nil.
  func record(
    _ entries: some Sequence<Entry>, lastIndexed: UInt64? = nil, checkpoint: Checkpoint?,
    boot: [UInt8]? = nil, synchronized: Bool
  ) throws(LevelDB.Failure) {
    var batch = LevelDB.Batch()
    var last = lastIndexed
    for entry in entries {
      try check(entry, within: checkpoint)
      put(entry, &batch)
      if lastIndexed == nil { last = entry.number }
    }
    if let last {
      var value: [UInt8] = []
      Varint.append(last, to: &value)
      batch.put(key("indexCheckpointKey"), value)
    }
    if let checkpoint { batch.put(key("blkMgrInfo"), Self.value(checkpoint)) }
    if let boot { batch.put(key("lastBoot"), boot) }
    try database.write(batch, synchronized: synchronized)
  }

  /// Checks what must hold of an entry: its block begins before the end of the files.
  private func check(_ entry: Entry, within end: Checkpoint?) throws(LevelDB.Failure) {
    let place = entry.location
    guard place.file >= 0, place.offset >= 0,
      end.map({ (place.file, place.offset) < ($0.file, $0.size) }) ?? true
    else {
      throw LevelDB.Failure(
        message: "block \(entry.number) cannot be at offset \(place.offset) of file \(place.file)")
    }
  }

  /// Corrects one entry without moving what is known of the last one.
  func correct(_ entry: Entry) throws(LevelDB.Failure) {
    var batch = LevelDB.Batch()
    put(entry, &batch)
    try database.write(batch, synchronized: false)
  }

  private func put(_ entry: Entry, _ batch: inout LevelDB.Batch) {
    batch.put(numberKey(Self.locationTag, entry.number), Self.value(entry.location))
    if let fingerprint = entry.fingerprint {
      batch.put(numberKey(Self.fingerprintTag, entry.number), Self.value(fingerprint))
    }
  }

  /// Forgets ``checkpoint()`` and ``lastBoot()``, but not the entries.
  func removeCheckpoint() throws(LevelDB.Failure) {
    var batch = LevelDB.Batch()
    batch.delete(key("blkMgrInfo"))
    batch.delete(key("lastBoot"))
    try database.write(batch, synchronized: true)
  }

  /// Deletes the entries of blocks from `number` on.
  func removeBlocks(from number: UInt64) throws(LevelDB.Failure) {
    for tag in [Self.locationTag, Self.fingerprintTag] {
      try remove(from: numberKey(tag, number), below: prefix + [tag + 1])
    }
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

  private static let locationTag = UInt8(ascii: "n")
  private static let fingerprintTag = UInt8(ascii: "x")

  /// The tag, the count of the number's significant bytes, those bytes with the highest first. Sorts as
  /// the numbers do (Fabric: `EncodeOrderPreservingVarUint64`).
  private func numberKey(_ tag: UInt8, _ number: UInt64) -> [UInt8] {
    let significant = (71 - number.leadingZeroBitCount) / 8
    var key = prefix
    key.reserveCapacity(prefix.count + 2 + significant)
    key.append(tag)
    key.append(UInt8(significant))
    for index in stride(from: significant - 1, through: 0, by: -1) {
      key.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index)))
    }
    return key
  }

  /// The number in a key, behind its tag; nil if there is none.
  private static func number(_ form: Slice<UnsafeRawBufferPointer>) -> UInt64? {
    guard let count = form.first, count <= 8, form.count == Int(count) + 1 else { return nil }
    return form.dropFirst().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static let fingerprintSize = 13

  /// The version, then size and checksum with their lowest bytes first.
  private static func value(_ fingerprint: BlockFingerprint) -> [UInt8] {
    var value = [BlockFingerprint.version]
    value.reserveCapacity(fingerprintSize)
    for index in 0..<4 { value.append(UInt8(truncatingIfNeeded: fingerprint.size >> (8 * index))) }
    for index in 0..<8 {
      value.append(UInt8(truncatingIfNeeded: fingerprint.checksum >> UInt64(8 * index)))
    }
    return value
  }

  private static func fingerprint(_ value: UnsafeRawBufferPointer) -> BlockFingerprint? {
    guard value.count == fingerprintSize, value[0] == BlockFingerprint.version else { return nil }
    let size = Int(UInt32(littleEndian: value.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    guard size <= BlockRecord.maximumSize else { return nil }
    let checksum = value.loadUnaligned(fromByteOffset: 5, as: UInt64.self)
    return BlockFingerprint(size: size, checksum: UInt64(littleEndian: checksum))
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
    Varint.append(checkpoint.lastBlock ?? 0, to: &value)
    value.append(checkpoint.lastBlock == nil ? 1 : 0)
    return value
  }
}
