// Brings one channel's block files and index together when its ledger is opened.

import FabricProtos
import Logging
import Storage

/// What a channel's ledger looks like after recovery.
struct RecoveredChain {
  /// Number and size of the file to append to.
  var file: Int
  var size: Int64
  var height: UInt64
  /// Hash of the last header; empty at height 0.
  var lastHash: [UInt8]
}

/// Opening a ledger.
///
/// The block files are the truth, the index is derived from them. Only one thing in the index is
/// believed, and only after a look at the block: where the last block that it knows is. The blocks
/// after it are checked one by one and entered into the index; there are none if the index is up to
/// date. Without a usable index, all files are read.
struct LedgerRecovery {
  /// A point between two records.
  struct Position {
    var file = 0
    var offset: Int64 = 0
    /// The block that should begin here, and the hash it should name.
    var number: UInt64 = 0
    var previousHash: [UInt8] = []
  }

  /// Entries that are put into the index at a time during a scan.
  static let batchSize = 1000
  /// How far before the end of the files to look for a block to begin after.
  static let maximumStep: UInt64 = 4096
  static let progressInterval: UInt64 = 10_000
  static let scanWindow = 1 << 20
  /// Bytes at the end of the newest file that are written again. Only an enormous block makes a single
  /// write larger.
  static let rewrittenSize: Int64 = 8 << 20

  let files: BlockFiles
  let index: ChannelIndex
  let signatures: any SignatureProbe
  let logger: Logger
  let closing: ClosingFlag
  /// ``BootMark/identifier``
  let boot: [UInt8]

  func run() throws(LedgerError) -> RecoveredChain {
    let chain = try recover(knowsAllSeen: !boot.isEmpty && (try? index.lastBoot()) == boot)
    if (try? index.lastBoot()) != boot {
      // If it is not noted, less is certain.
      try? index.record([], checkpoint: nil, boot: boot, synchronized: false)
    }
    return chain
  }

  /// - Parameter knowsAllSeen: The index has all blocks that anybody can have seen.
  private func recover(knowsAllSeen: Bool) throws(LedgerError) -> RecoveredChain {
    let snapshot = "\(files.folder)/bootstrappingSnapshot.info"
    guard !Folder.exists(snapshot) else {
      throw .unsupported(
        path: snapshot, reason: "this is a peer's ledger made from a snapshot, not an orderer's")
    }
    let count = try files.count()
    let checkpoint = try indexed { () throws(LevelDB.Failure) in try index.checkpoint() }
    let lastIndexed = try indexed { () throws(LevelDB.Failure) in try index.lastIndexed() }
    let checkpointed = checkpoint.flatMap(\.lastBlock)
    let lastKnown = [checkpointed, lastIndexed].compactMap(\.self).max()
    guard count > 0 else {
      if let lastKnown {
        throw .corrupt(
          channel: files.channelID, file: files.path(0), offset: 0, block: 0,
          reason: "the file is missing, but the index knows of blocks up to \(lastKnown) (to begin "
            + "this channel anew, remove the folder \(index.database.path) as well)")
      }
      _ = try onDisk(File(files.path(0), .creating))
      try synchronizeFolder()
      return RecoveredChain(file: 0, size: 0, height: 0, lastHash: [])
    }

    // A new file is there before the index names it, so this one was lost with all its blocks.
    if let checkpoint, checkpoint.file >= count, let lastKnown,
      let place = try location(lastKnown), place.file >= count
    {
      throw .corrupt(
        channel: files.channelID, file: files.path(place.file), offset: 0, block: nil,
        reason: "the file is missing, but the index knows that block \(lastKnown) was in it (to go "
          + "on with what is left, remove the folder \(index.database.path) as well)")
    }
    let candidate = [checkpointed, lastIndexed].compactMap(\.self).min()
    let start = try anchor(candidate, files: count)
    // The process that made the newest file may have died before the file's name was safe.
    if try onDisk(files.file(count - 1).size()) == 0 { try synchronizeFolder() }
    let firstSize = try onDisk(files.file(0).size())
    if start == nil, lastKnown != nil || firstSize > 0 {
      logger.info(
        "No usable index for channel \(files.channelID), rebuilding it from \(count) block file(s)")
    }
    let scan = try scan(
      from: start ?? Position(), files: count, knew: lastKnown,
      neverSeen: knowsAllSeen ? lastKnown.map { $0 &+ 1 } ?? 0 : nil)
    if scan.end.number == 0, let lastKnown { throw allLost(lastKnown) }
    let chain = RecoveredChain(
      file: count - 1, size: try onDisk(files.file(count - 1).size()), height: scan.end.number,
      lastHash: scan.end.previousHash)
    try settle(
      chain, scan, knew: lastKnown, checkpoint: checkpoint, lastIndexed: lastIndexed)
    try check(chain)
    return chain
  }

  /// An empty ledger is removed, as if its creation had been interrupted; this one must not be.
  func allLost(_ lastKnown: UInt64) -> LedgerError {
    .corrupt(
      channel: files.channelID, file: files.path(0), offset: 0, block: 0,
      reason: "no whole block is there, but the index knows of blocks up to \(lastKnown) (to begin "
        + "this channel anew, remove the folder \(index.database.path) as well)")
  }

  func synchronizeFolder() throws(LedgerError) {
    try onDisk(Folder.synchronize(files.folder))
    try onDisk(Folder.synchronize(Folder.parent(of: files.folder)))
  }

  func location(_ number: UInt64) throws(LedgerError) -> BlockLocation? {
    do { return try index.location(number) } catch {
      // A damaged index entry is as good as missing.
      guard !error.isCorruption else { return nil }
      throw .index(index.database.path, error)
    }
  }

  func writing(_ body: () throws(LevelDB.Failure) -> Void) throws(LedgerError) {
    do { try body() } catch { throw .index(index.database.path, error) }
  }

  func indexed<Value>(
    _ body: () throws(LevelDB.Failure) -> Value
  ) throws(LedgerError) -> Value {
    do { return try body() } catch { throw .index(index.database.path, error) }
  }
}
