// Channels that begin here: the system channel of a new node, and those that its clients create.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Ordering
import SystemChannel

extension Registrar {
  /// Writes the genesis block of the system channel if this node has no ledger yet.
  ///
  /// - Parameter genesis: Asked for only then; nil if the node begins without channels.
  /// - Returns: whether there was no ledger.
  /// - Throws: ``RegistrarError`` or `BootstrapError` if the block is not the genesis block of a system
  ///   channel that this node can order; nothing is written then.
  @discardableResult
  package func bootstrap(_ genesis: @autoclosure () throws -> Block?) async throws -> Bool {
    guard try knownChannelIDs().isEmpty else {
      logger.info("Not bootstrapping the system channel because of existing channels")
      return false
    }
    guard let genesis = try genesis() else { return true }
    let bundle = try SystemGenesisBlock.validate(genesis)
    _ = try consenter(for: bundle)
    logger.info("Bootstrapping the system channel '\(bundle.channelID)'")
    let store = try await ledgers.openOrCreate(bundle.channelID)
    try await append(genesis, to: store)
    return true
  }

  /// Makes a channel whose genesis block holds the given CONFIG envelope, and starts it.
  ///
  /// A crash may have cut an earlier attempt short, so each step is taken only if it has not been
  /// done yet.
  func createChannel(_ genesis: EnvelopeView) async throws {
    let channelID = genesis.channelID
    guard try await isAbsent(channelID) else {
      // Two creations of one channel were under way at the same time.
      logger.warning("Channel \(channelID) already exists, skipping its creation")
      return
    }
    let bundle = try ConfigBundle(configEnvelope: genesis.bytes)
    try bundle.checkCapabilitiesSupported()
    let store = try await ledgers.openOrCreate(channelID)
    if store.height == 0 {
      try await append(Self.genesisBlock(genesis), to: store)
    }
    guard try store.block(0).data == [genesis.bytes] else {
      throw ChannelFault.broken("the ledger of channel \(channelID) begins with another block")
    }
    let channel = try makeChannel(store: store, bundle: bundle)
    try map.change { map throws(IllegalTransition) in try map.add(channel) }
    tell(of: channel)
    guard await start(.ordered(channel)) else { return }
    logger.info("Created and started new channel \(channelID)")
  }

  /// Whether there is no channel of this name. Waits until that is certain: what an earlier attempt left
  /// is removed when it is open, if it has no block.
  ///
  /// - Throws: ``LedgerNotOpen``, which may pass, if the ledger cannot be opened for now: the channel
  ///   whose chain creates this one has to tell that it waits. ``RegistrarError`` if the registrar halts
  ///   before the ledger can be opened.
  private func isAbsent(_ channelID: String) async throws -> Bool {
    let isAbsent: Result<Bool, any Error>? = await map.waitUnlessCancelled { map in
      guard case .opening(let obstacle) = map.states[channelID] else {
        return .success(map.states[channelID] == nil)
      }
      // Once the ledgers close, an opening that is under way fails too. That must not look as if the
      // channel existed: its creation would be taken for done, and never be read again.
      if map.life == .halted {
        let reason = obstacle.map { ": \($0)" } ?? ""
        return .failure(
          RegistrarError("the orderer stops before channel \(channelID) is opened\(reason)"))
      }
      return obstacle.map { .failure(LedgerNotOpen(channelID: channelID, reason: $0)) }
    }
    guard let isAbsent else { throw CancellationError() }
    return try isAbsent.get()
  }

  /// The block that a created channel begins with. The same on every node: it holds the CONFIG envelope
  /// within the ORDERER_TRANSACTION, and nobody's signature.
  private static func genesisBlock(_ config: EnvelopeView) -> Block {
    let block = AssembledBlock(number: 0, previousHash: [], data: [config.bytes])
    return SealedBlock(block, metadata: BlockMetadata.empty).block
  }

  /// Writes the first block of a ledger.
  func append(_ genesis: Block, to store: any BlockStore) async throws {
    let began = time.now
    try await store.append(genesis)
    ChannelMetrics(channelID: store.channelID, factory: metrics)
      .committed(blocks: 1, in: began.duration(to: time.now))
  }
}

extension Registrar: ChannelDirectory {
  package var channelCount: Int { map.read { $0.states.count } }
  package func contains(_ channelID: String) -> Bool {
    map.read { $0.states[channelID] != nil }
  }
}
