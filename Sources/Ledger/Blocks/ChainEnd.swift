// Where a chain ends, and so which block can be its next one.

import BlockLedger
import FabricCrypto
import FabricProtos

/// The end of a channel's chain: the next block has this number and names this hash.
package struct ChainEnd: Sendable, Equatable {
  /// Number of blocks so far, which is the number of the next one.
  package private(set) var height: UInt64 = 0
  /// SHA-256 of the last header's ASN.1 form; empty before block 0.
  package private(set) var lastHash: [UInt8] = []

  /// A chain without blocks.
  package init() {}

  /// An end that is known without its last block.
  ///
  /// - Parameter lastHash: The hash of the header before block `height`; empty for 0.
  package init(height: UInt64, lastHash: [UInt8]) {
    self.height = height
    self.lastHash = lastHash
  }

  /// The end after a block.
  package init(after header: BlockHeader) {
    height = header.number &+ 1
    lastHash = SHA256Digest.hash(header.derBytes())
  }

  /// Takes the next block.
  ///
  /// - Throws: ``BlockError``, with nothing changed, if the block does not follow.
  package mutating func advance(
    over header: BlockHeader, hash: [UInt8], channelID: String
  ) throws(BlockError) {
    guard header.number == height, height < UInt64.max else {
      throw BlockError(
        channelID: channelID,
        reason: "block \(header.number) came where block \(height) was expected")
    }
    guard header.previousHash == lastHash else {
      throw BlockError(
        channelID: channelID,
        reason: "block \(header.number) names the previous hash "
          + "[\(hexadecimal(header.previousHash))], but the header before it has "
          + "[\(hexadecimal(lastHash))]")
    }
    advance(to: header.number, hash)
  }

  /// Takes a block that was made for this end.
  fileprivate mutating func advance(to number: UInt64, _ hash: [UInt8]) {
    height = number + 1
    lastHash = hash
  }
}

/// Makes blocks out of batches, each behind the one before.
///
/// A value without clock, randomness or I/O: the same batches after the same block give the same
/// headers on every node. That a block was assembled does not yet put it into the chain: a leader
/// may assemble what is never agreed on, and begin anew with a copy.
package struct BlockAssembler: Sendable {
  /// Where the next block goes.
  package private(set) var end: ChainEnd

  package init(at end: ChainEnd) { self.end = end }

  /// Makes the next block out of serialized envelopes, whose hash is computed here and nowhere else.
  package mutating func assemble(_ entries: [[UInt8]]) -> AssembledBlock {
    let block = AssembledBlock(number: end.height, previousHash: end.lastHash, data: entries)
    end.advance(to: end.height, block.hash)
    return block
  }
}
