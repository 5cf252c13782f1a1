// What the blocks of a system channel tell: which channels there are, and what the blocks themselves are.

import BlockLedger
import Blocks
import FabricCrypto
import FabricProtos
import Ordering
import Synchronization

/// The blocks of a system channel from the first on, as hashes, and the channels that they create.
struct SystemChannelHistory: Sendable {
  /// The most that genesis blocks may take, in bytes: far beyond any network, it keeps whoever sends the blocks from
  /// filling the memory before a hash shows that they are wrong.
  static let maximumGenesisBytes = 1 << 30

  /// A channel that was created.
  struct Channel: Sendable {
    let name: String
    let genesis: Block
  }

  private let channelID: String
  /// Each channel once, in the order of their creation.
  private(set) var channels: [Channel] = []
  private var known: Set<String> = []
  private var genesisBytes = 0
  /// The hashes of the headers.
  private var hashes: [[UInt8]] = []

  init(channelID: String) { self.channelID = channelID }

  /// The hash of the newest block; empty if there is none.
  var lastHash: [UInt8] { hashes.last ?? [] }

  /// Takes the next block into account, whose number and links were checked.
  ///
  /// - Throws: `ChannelFault` if the channels that are created take more than ``maximumGenesisBytes``.
  mutating func note(_ block: Block) throws {
    hashes.append(Self.hash(of: block.header))
    guard case .channelCreation(let transaction) = block.kind,
      let config = try? EnvelopeView(Array(transaction.data)),
      case .configuration = BlockKind(holding: config), config.channelID != channelID,
      known.insert(config.channelID).inserted
    else { return }
    genesisBytes += config.bytes.count
    guard genesisBytes <= Self.maximumGenesisBytes else {
      throw ChannelFault("the genesis blocks of its channels are larger than \(genesisBytes) bytes")
    }
    channels.append(Channel(name: config.channelID, genesis: Registrar.genesisBlock(config)))
  }

  /// Whether a block is one of these.
  func holds(_ header: BlockHeader) -> Bool {
    header.number < UInt64(hashes.count) && hashes[Int(header.number)] == Self.hash(of: header)
  }

  private static func hash(of header: BlockHeader) -> [UInt8] {
    SHA256Digest.hash(header.derBytes())
  }

  /// Whether these are the blocks of a ledger that ends so.
  func leads(from height: UInt64, _ hash: [UInt8]) -> Bool {
    if height == 0 { return true }
    return height <= UInt64(hashes.count) && hashes[Int(height) - 1] == hash
  }
}

/// A history that is read in runs.
final class Collected: Sendable {
  private let state: Mutex<SystemChannelHistory>

  init(_ history: SystemChannelHistory) { state = Mutex(history) }

  var history: SystemChannelHistory { state.withLock { $0 } }

  func note(_ run: [Block]) throws {
    try state.withLock { history in
      for block in run { try history.note(block) }
    }
  }
}
