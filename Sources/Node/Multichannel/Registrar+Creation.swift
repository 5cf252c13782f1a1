// Channels that begin here: the system channel of a new node, and those that its clients create.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Followers
import Ordering
import SystemChannel

extension Registrar {
  /// Writes the genesis block of the system channel if this node has no ledger yet. With a later config block, all
  /// channels are replicated up to that.
  ///
  /// - Parameter genesis: Asked for only then; nil if the node begins without channels.
  /// - Returns: whether there was no ledger.
  /// - Throws: ``RegistrarError`` or `BootstrapError` if the block is not a config block of a system
  ///   channel that this node can order, and nothing is written then; what ``Onboarding/run()`` throws.
  @discardableResult
  package func bootstrap(_ genesis: @autoclosure () throws -> Block?) async throws -> Bool {
    guard try knownChannelIDs().isEmpty else {
      logger.info("Not bootstrapping the system channel because of existing channels")
      return false
    }
    guard let genesis = try genesis() else { return true }
    let bundle = try SystemGenesisBlock.validate(genesis)
    let consenter = try consenter(for: bundle)
    guard genesis.header.number == 0 else {
      guard consenter is any ClusterConsenter else {
        throw RegistrarError(
          """
          the bootstrap block is block \(genesis.header.number) of a system channel of consensus type \
          \(bundle.orderer?.consensusType ?? ""): such a node begins with block 0
          """)
      }
      try await onboard(genesis, bundle)
      return true
    }
    logger.info("Bootstrapping the system channel '\(bundle.channelID)'")
    let store = try await ledgers.openOrCreate(bundle.channelID)
    try await append(genesis, to: store)
    return true
  }

  /// Replicates all channels up to the bootstrap block if that is beyond a system channel that is here. If it is of
  /// another channel, e.g. of a system channel that was removed, it does not count.
  func goOn(with block: Block) async throws {
    guard block.header.number > 0, let bundle = try? SystemGenesisBlock.validate(block),
      (try? consenter(for: bundle)) is any ClusterConsenter,
      try knownChannelIDs().contains(bundle.channelID),
      let store = try? await ledgers.openOrCreate(bundle.channelID),
      (1...block.header.number).contains(store.height)
    else { return }
    try await onboard(block, bundle)
  }

  /// Replicates all channels up to a config block of the system channel.
  private func onboard(_ block: Block, _ bundle: ConfigBundle) async throws {
    logger.info(
      """
      Not bootstrapping the system channel because the bootstrap block number is \
      \(block.header.number) (>0), replication is needed
      """)
    let bytes = block.serialized()
    do throws(NotAJoinBlock) { _ = try JoinBlock(bytes) } catch {
      throw RegistrarError("Failed validating bootstrap block: \(error)")
    }
    try await Onboarding(
      registrar: self, boot: JoinPoint(block, bundle: bundle), unnoted: bytes
    ).run()
    try await ledgers.joins?.remove(bundle.channelID)
  }

  /// Brings into being a system channel that an operator has joined, or whose onboarding was cut short.
  func beginWithJoinedSystemChannel() async throws {
    guard let join = try await joinedSystemChannel() else { return }
    logger.info(
      "Join-block was found for the system channel: \(join.channelID), number: \(join.number)")
    _ = try role(in: join)
    if join.number == 0 {
      let store = try await ledgers.openOrCreate(join.channelID)
      if store.height == 0 { try await append(join.block, to: store) }
    } else {
      try await Onboarding(
        registrar: self, boot: JoinPoint(join.block, bundle: join.bundle)
      ).run()
    }
    try await ledgers.joins?.remove(join.channelID)
  }

  /// The join block of a system channel; nil if there is none. What cannot be read is told when its channel is opened.
  private func joinedSystemChannel() async throws -> JoinBlock? {
    guard let joins = ledgers.joins else { return nil }
    let names: [String]
    do { names = try joins.channelIDs() } catch {
      throw RegistrarError("The join blocks cannot be listed: \(error)")
    }
    for name in names {
      if let join = try? await joinBlock(of: name), join.isOfSystemChannel { return join }
    }
    return nil
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
    let isTracked = isTracked(try consenter(for: bundle).role(in: bundle))
    let channel = try makeChannel(store: store, bundle: bundle, isTracked: isTracked)
    try map.change { map throws(IllegalTransition) in try map.add(channel, isTracked: isTracked) }
    tell(of: channel)
    if isTracked { beginTracking(channelID) }
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
  static func genesisBlock(_ config: EnvelopeView) -> Block {
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
