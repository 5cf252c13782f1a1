// Whether blocks of others are the next ones of a chain: a walk from one trusted block to the next.

import BlockLedger
import Blocks
import ChannelConfig
import FabricProtos
import Ordering

/// The end of a chain as far as it has been verified, and the configuration in force there.
package struct ChainTrust: Sendable {
  /// Metadata slots that every orderer's index of blocks reads; Go nodes cannot do with fewer.
  private static let leastMetadataSlots = 3

  /// What makes a block one of the chain.
  private enum Proof: Sendable {
    /// The signatures that the configuration in force asks for.
    case signatures
    /// Its place in the chain of hashes alone: whoever asked for the blocks knows a later one, and compares.
    case links
  }

  package let channelID: String
  private let proof: Proof
  /// The configuration in force; nil before block 0, which brings the first one.
  package private(set) var bundle: ConfigBundle?
  private var end: ChainEnd

  /// - Parameters:
  ///   - bundle: The configuration in force at `end`; without it, block 0 is taken as it is, and its signature
  ///     is not asked for.
  package init(channelID: String, bundle: ConfigBundle?, end: ChainEnd) {
    self.channelID = channelID
    proof = .signatures
    self.bundle = bundle
    self.end = end
  }

  /// A walk that checks numbers, links and data hashes alone. The blocks are known to be right once a later block
  /// that is trusted links to the last of them, and not before.
  package init(linksOf channelID: String, end: ChainEnd) {
    self.channelID = channelID
    proof = .links
    bundle = nil
    self.end = end
  }

  /// The number of the next block.
  package var height: UInt64 { end.height }

  /// Takes the next block: its number, link, data hash and signatures must be right, and a configuration that it
  /// holds must follow the one in force.
  ///
  /// - Throws: ``InvalidBlock``, with nothing changed.
  package mutating func advance(over block: Block) throws(InvalidBlock) {
    do {
      let assembled = try AssembledBlock(verifying: block.header, data: block.data)
      var end = end
      try end.advance(over: block.header, hash: assembled.hash, channelID: channelID)
      guard block.metadata.count >= Self.leastMetadataSlots else {
        throw InvalidBlock(block, "it has \(block.metadata.count) metadata slots")
      }
      guard proof == .signatures else {
        self.end = end
        return
      }
      try checkSignatures(of: block)
      if let envelope = block.configEnvelope {
        bundle = try successor(in: envelope)
      } else if bundle == nil {
        throw InvalidBlock(block, "it holds no configuration")
      }
      self.end = end
    } catch let error as InvalidBlock {
      throw error
    } catch { throw InvalidBlock(block, "\(error)") }
  }

  /// A genesis block is not signed by anybody: it is known by what follows it.
  private func checkSignatures(of block: Block) throws(InvalidBlock) {
    guard let bundle else { return }
    if let problem = BlockVerifier.checkSignatures(of: block, against: bundle).problem {
      throw InvalidBlock(block, problem)
    }
  }

  private func successor(in envelope: EnvelopeView) throws -> ConfigBundle {
    if let bundle { return try bundle.successor(in: envelope) }
    let first = try ConfigBundle(configEnvelope: envelope.bytes)
    guard first.channelID == channelID else {
      throw ChannelFault("it is of channel \(first.channelID)")
    }
    try first.checkCapabilitiesSupported()
    return first
  }
}

/// A block that does not belong to the chain.
package struct InvalidBlock: Error, Equatable, CustomStringConvertible {
  package let description: String

  init(_ block: Block, _ reason: String) {
    description = "block \(block.header.number): \(reason)"
  }
}
