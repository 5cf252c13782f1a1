// The doors of this room: what the rest of the orderer sees of a channel's ledger, whatever holds
// its blocks.

import FabricProtos
import NIOCore

/// The chain of blocks of one channel.
///
/// Any number of readers may run beside one writer. A block is visible only once it is as durable
/// as the kind of store promises, and then it is served with the same bytes for good.
package protocol BlockStore: AnyObject, Sendable {
  /// The channel whose blocks these are.
  var channelID: String { get }

  /// Number of blocks in the chain, which is the number of the next block.
  var height: UInt64 { get }

  /// The lowest block number that can still be read; 0 unless the history is bounded.
  var oldestBlock: UInt64 { get }

  /// SHA-256 of the newest block's header, which the next block must name; empty at height 0.
  var lastBlockHash: [UInt8] { get }

  /// Adds the next blocks, in order, with a single synchronization if the kind of store supports
  /// that. All are durable and visible when this returns.
  ///
  /// Must be awaited before the next call. Cancelling the task does not interrupt it.
  ///
  /// - Throws: ``LedgerError/unexpectedNumber(channel:expected:actual:)`` and
  ///   ``LedgerError/unexpectedPreviousHash(channel:number:expected:actual:)`` for a block that
  ///   does not fit, ``LedgerError/tooLarge(channel:number:bytes:)`` for one that could not be read
  ///   back, ``LedgerError/storage(_:)`` when a retry may succeed,
  ///   ``LedgerError/halted(channel:reason:)`` when the store gave up. Some of the first blocks may
  ///   have been added by then, as ``height`` tells; no part of the others has.
  func append(_ blocks: [SealedBlock]) async throws(LedgerError)

  /// Reads a block. May block the calling thread for the time of a disk read.
  ///
  /// - Throws: ``LedgerError/notFound(channel:number:height:)`` or
  ///   ``LedgerError/corrupt(channel:file:offset:block:reason:)``.
  func block(_ number: UInt64) throws(LedgerError) -> Block

  /// Blocks in protobuf wire form (`common.Block`), byte for byte as the Go implementation sends
  /// them, from `number` on: at least that one, then the following ones that exist, up to `count`
  /// blocks or until they reach `bytes` together. Disk reads run on the store's own threads.
  ///
  /// - Throws: as ``block(_:)``, for block `number`. If a later one cannot be read, the result ends
  ///   before it.
  func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer]
}

extension BlockStore {
  /// Adds the next block, see ``append(_:)-([SealedBlock])``.
  package func append(_ block: SealedBlock) async throws(LedgerError) { try await append([block]) }

  /// Checks a block and adds it, see ``append(_:)-([Block])``.
  package func append(_ block: Block) async throws(LedgerError) { try await append([block]) }

  /// Checks the data hashes of blocks that somebody else made, and adds them. Nothing is added if one of
  /// them does not fit.
  ///
  /// - Throws: ``LedgerError/unexpectedDataHash(channel:number:)``, and as
  ///   ``append(_:)-([SealedBlock])``.
  package func append(_ blocks: [Block]) async throws(LedgerError) {
    var number = height
    var previousHash = lastBlockHash
    var sealed: [SealedBlock] = []
    sealed.reserveCapacity(blocks.count)
    for block in blocks {
      // Checked here too, so that the error names the first thing that is wrong.
      try block.header.checkFollows(channel: channelID, height: number, lastHash: previousHash)
      do throws(WrongDataHash) {
        let verified = try SealedBlock(verifying: block)
        previousHash = verified.hash
        sealed.append(verified)
      } catch { throw .unexpectedDataHash(channel: channelID, number: number) }
      number += 1
    }
    try await append(sealed)
  }
}

extension BlockHeader {
  /// Checks that this is the header of the next block of a chain.
  func checkFollows(
    channel: String, height: UInt64, lastHash: [UInt8]
  ) throws(LedgerError) {
    guard number == height, height < UInt64.max else {
      throw .unexpectedNumber(channel: channel, expected: height, actual: number)
    }
    guard previousHash == lastHash else {
      throw .unexpectedPreviousHash(
        channel: channel, number: height, expected: lastHash, actual: previousHash)
    }
  }
}

/// The ledgers of all channels in one place.
package protocol LedgerFactory: AnyObject, Sendable {
  /// The channels that have a ledger, sorted by name, without those in ``unfinishedRemovals()``.
  func channelIDs() throws(LedgerError) -> [String]

  /// The channel's ledger, created empty if there is none. There is one object per channel: a
  /// second call returns the same one.
  func openOrCreate(_ channelID: String) async throws(LedgerError) -> any BlockStore

  /// Notes that a channel is going to be removed. From then on it is among ``unfinishedRemovals()``, also
  /// after a crash, until ``remove(_:rest:)`` has returned.
  func beginRemoval(_ channelID: String) async throws(LedgerError)

  /// Closes a channel's ledger and deletes its blocks and its join block, then `rest`, which is what
  /// others keep of the channel. No error if there is none, or only a part. What a crash cuts short is
  /// among ``unfinishedRemovals()`` after the next start.
  ///
  /// - Throws: ``LedgerError``, and what `rest` throws.
  func remove(_ channelID: String, rest: @Sendable () async throws -> Void) async throws

  /// The channels whose removal was begun, and has failed or was cut short; sorted by name.
  func unfinishedRemovals() throws(LedgerError) -> [String]

  /// Where joins that are under way are noted; nil if ledgers of this kind cannot be joined.
  var joins: JoinBlockFolder? { get }

  /// Lets go of memory that is kept only so that it need not be asked for again.
  func releaseSpareMemory()

  /// Closes all ledgers; later calls get ``LedgerError/closed(channel:)``. Waits for the operations that
  /// are under way.
  func close() async
}

extension LedgerFactory {
  /// Only block files belong to releases in which channels are joined.
  package var joins: JoinBlockFolder? { nil }

  package func releaseSpareMemory() {}

  /// A removal that is cut short leaves nothing that would have to be noted.
  package func beginRemoval(_ channelID: String) async throws(LedgerError) {}
  package func unfinishedRemovals() throws(LedgerError) -> [String] { [] }

  /// Closes a channel's ledger and deletes its blocks, where nobody else keeps anything of the channel.
  package func remove(_ channelID: String) async throws { try await remove(channelID, rest: {}) }
}

/// The rule for names that become folder names: 1 to 249 letters, digits, `.`, `-` and `_`, not
/// beginning with a dot. Fabric's channel names (`[a-z][a-z0-9.-]*`) are among them; this only keeps
/// out what could leave the folder.
func isUsableChannelName(_ name: String) -> Bool {
  let bytes = name.utf8
  guard (1...249).contains(bytes.count), bytes.first != UInt8(ascii: ".") else { return false }
  return bytes.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
