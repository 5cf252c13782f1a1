// How the channels that have a ledger come into service when the node starts, and later.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricCrypto
import FabricProtos
import Ordering
import SystemChannel

extension Registrar {
  /// Tasks that open channels at the same time: reading one's files and another's certificates overlap.
  private static let openers = 8
  /// How long start-up waits for ledgers to be opened, which takes long only if an index is
  /// rebuilt. Channels that are not ready by then are refused until they are.
  static let patience = Duration.seconds(3)
  /// The waits before a ledger that could not be opened is tried again.
  private static let reopening = Backoff(from: .seconds(1), to: .seconds(30))

  /// Finishes removals that were cut short, brings a system channel that was joined up to its join block, opens every
  /// channel that has a ledger or was joined, and starts them all.
  ///
  /// - Parameter genesis: Gives the genesis block of the system channel, or a later config block of it, to a node
  ///   without ledgers; nil if it begins without channels. What it throws is passed on then.
  /// - Parameter isFile: Whether `genesis` reads a file, which may be a later block than those that are here, and may
  ///   be gone once there are ledgers.
  /// - Throws: ``RegistrarError`` if the ledgers cannot be listed, ``SecondSystemChannel`` if there are
  ///   two system channels, and what ``bootstrap(_:)`` throws.
  package func initialize(
    _ genesis: @autoclosure () throws -> Block? = nil, isFile: Bool = false
  ) async throws {
    try map.change { map throws(RegistrarError) in try map.open() }
    try await finishRemovals()
    try await beginWithJoinedSystemChannel()
    if isFile, let block = try? genesis() { try await goOn(with: block) }
    let isNew = try await bootstrap(genesis())
    try await openChannels()
    // A crash within the first start leaves a ledger without a block, which is gone now.
    if !isNew, try knownChannelIDs().isEmpty {
      _ = try await bootstrap(genesis())
      try await openChannels()
    }
    map.change { $0.serve() }
  }

  private func openChannels() async throws {
    let opened = await openAll(try knownChannelIDs())
    for channel in opened { try learn(channel) }
    let ready = opened.compactMap(register)
    reportChannels()
    for channel in ready { _ = await start(channel) }
    for name in map.read({ $0.leftBehind.keys.sorted() }) { beginTracking(name) }
  }

  func reportChannels() {
    let count = channels().count
    if let system = systemChannelID {
      logger.info(
        "Registrar initializing with system channel '\(system)', number of channels: \(count)")
      return
    }
    let followers = followers().count
    logger.info(
      """
      Registrar initializing without a system channel, number of application channels: \
      \(count + followers), with \(count) consensus.Chain(s) and \(followers) follower.Chain(s)
      """)
  }

  /// The channels that have a ledger or a join block, sorted by name.
  func knownChannelIDs() throws(RegistrarError) -> [String] {
    do {
      let removed = try ledgers.unfinishedRemovals()
      let joined = try ledgers.joins?.channelIDs().filter { !removed.contains($0) }
      return try Set(ledgers.channelIDs()).union(joined ?? []).sorted()
    } catch { throw RegistrarError("The ledgers cannot be listed: \(error)") }
  }

  /// Opens ledgers and reads their configurations, on all cores, since a node may have a thousand.
  private func openAll(_ channelIDs: [String]) async -> [OpenedChannel] {
    map.change { $0.open(channelIDs) }
    let opening = ChannelOpening(count: channelIDs.count)
    let next = SharedCounter()
    for _ in 0..<min(Self.openers, channelIDs.count) {
      Task {
        while let index = next.next(below: channelIDs.count) {
          let channel = await self.open(channelIDs[index])
          if !opening.deliver(channel), let channel { await self.adopt(channel) }
        }
      }
    }
    let opened = await opening.wait(until: time.now + Self.patience, on: time)
    if opening.unfinished > 0 {
      logger.warning(
        "Not all ledgers are open yet, because the index of some is rebuilt; serving the others")
    }
    return opened
  }

  /// Opens a channel's ledger and reads its configuration; nil if there is nothing to serve (yet).
  private func open(_ channelID: String) async -> OpenedChannel? {
    do {
      let store = try await ledgers.openOrCreate(channelID)
      let join = try await joinBlock(of: channelID)
      if store.height == 0, join == nil {
        try await discard(channelID)
        return nil
      }
      return try await takePart(in: store, join)
    } catch let error as LedgerError where error.mayPass {
      obstructOpening(of: channelID, "\(error)")
      Task { await openLater(channelID) }
    } catch {
      fail(channelID, "\(error)")
    }
    return nil
  }

  /// Removes a ledger without a block: somebody was stopped while making it, and nobody waits for it.
  private func discard(_ channelID: String) async throws {
    logger.warning("Channel '\(channelID)' has an empty ledger without a join-block, removing it")
    try await ledgers.remove(channelID)
    try map.change { map throws(IllegalTransition) in try map.forget(channelID) }
  }

  /// Opens a channel whose ledger could not be opened for a reason that may pass, as soon as it can
  /// be: a node that starts with a full disk need not be restarted once there is room.
  private func openLater(_ channelID: String) async {
    var backoff = Self.reopening
    while await pauseUnlessHalted(backoff.next()) {
      do throws(LedgerError) {
        _ = try await ledgers.openOrCreate(channelID)
      } catch {
        if error.mayPass { continue }
        // Do not try again: after a failed fsync, success would mean nothing.
        return fail(channelID, "\(error)")
      }
      if let opened = await open(channelID) { await adopt(opened) }
      return
    }
  }

  /// Waits; false as soon as the registrar halts.
  private func pauseUnlessHalted(_ duration: Duration) async -> Bool {
    let halted: Void? = await map.wait(until: time.now + duration, on: time) { map in
      map.life == .halted ? () : nil
    }
    return halted == nil
  }

  /// Puts into service a channel whose ledger took long to open.
  private func adopt(_ opened: OpenedChannel) async {
    do throws(SecondSystemChannel) {
      try learn(opened)
    } catch {
      return fail(
        opened.bundle.channelID,
        "There is another system channel, \(error.first); remove the ledger of one of them")
    }
    if map.read({ $0.clusterSystemChannel }) == opened.bundle.channelID { await trackFollowed() }
    guard let channel = register(opened), await start(channel) else { return }
    logger.info("Channel \(opened.store.channelID) is open now, height \(opened.store.height)")
  }

  /// Starts what a channel has here, unless the registrar has halted: then nobody else would stop it.
  func start(_ channel: ShownChannel) async -> Bool {
    switch channel {
    case .ordered(let channel): channel.chain.start()
    case .followed(let follower): follower.start()
    }
    guard map.read({ $0.life }) == .halted else { return true }
    switch channel {
    case .ordered(let channel): await halt(channel, because: "the orderer is shutting down")
    case .followed(let follower): await follower.halt()
    }
    return false
  }

  func learn(_ opened: OpenedChannel) throws(SecondSystemChannel) {
    let bundle = opened.bundle
    let isOfCluster = (try? consenter(for: bundle)) is any ClusterConsenter
    try map.change { map throws(SecondSystemChannel) in
      try map.read(
        bundle.channelID, isSystemChannel: bundle.consortiums != nil, isOfCluster: isOfCluster)
    }
  }

  /// Shows an open channel to clients; makes its chain, if it is ordered here. What fails is recorded.
  ///
  /// - Returns: what has to be started, if anything.
  private func register(_ opened: OpenedChannel) -> ShownChannel? {
    do {
      return try show(opened)
    } catch {
      fail(opened.bundle.channelID, "\(error)")
      return nil
    }
  }

  /// Shows an open channel to clients; makes its chain, if it is ordered here.
  ///
  /// - Returns: what has to be started.
  func show(_ opened: OpenedChannel) throws -> ShownChannel {
    let bundle = opened.bundle
    let role: ConsensusRole
    switch opened.part {
    case .none(let error): throw error
    case .onboards(let follower):
      try show(follower)
      return .followed(follower)
    case .member(let found): role = found
    }
    if bundle.consortiums != nil { try announceSystemChannel(opened.store, bundle) }
    if isTracked(role) { return .ordered(try show(tracking: opened.store, bundle)) }
    switch role {
    case .consenter: return .ordered(try show(ordering: opened.store, bundle))
    case .follower where try consenter(for: bundle) is any ClusterConsenter:
      let follower = makeFollower(opened.store, bundle: bundle)
      try show(follower)
      return .followed(follower)
    case .follower, .neither:
      throw RegistrarError("This node is not a consenter of channel '\(bundle.channelID)'")
    }
  }

  /// Makes a channel of an open ledger that this node orders, and shows it to clients. Its chain does not run yet.
  func show(ordering store: any BlockStore, _ bundle: ConfigBundle) throws -> Channel {
    let channel = try makeChannel(store: store, bundle: bundle)
    try map.change { map throws(IllegalTransition) in
      try map.change(channel.id) { state throws(IllegalTransition) in try state.order(channel) }
    }
    tell(of: channel)
    return channel
  }

  /// Tells those who watch the channels that clients can use this one now.
  func tell(of channel: Channel) {
    logger.debug("Registered channel \(channel.id) at height \(channel.tip.height)")
    onChannel(channel.id, .channel(channel))
    tellParticipation(in: channel.id)
  }

  private func announceSystemChannel(_ store: any BlockStore, _ bundle: ConfigBundle) throws {
    let hash = SHA256Digest.hash(try store.block(0).header.derBytes())
    logger.info(
      """
      Starting system channel '\(bundle.channelID)' with genesis block hash \(hexadecimal(hash)) and \
      orderer type \(bundle.orderer?.consensusType ?? "")
      """)
  }

  /// The configuration in force at the end of a chain.
  static func bundle(of store: any BlockStore) throws -> ConfigBundle {
    let index = try store.block(store.height - 1).lastConfigIndex(
      channelID: store.channelID)
    guard let entry = try store.block(index).data.first else {
      throw RegistrarError("config block \(index) of channel \(store.channelID) holds no message")
    }
    let bundle = try ConfigBundle(configEnvelope: entry)
    guard bundle.channelID == store.channelID else {
      throw RegistrarError(
        """
        the ledger of channel \(store.channelID) holds the configuration of channel \
        \(bundle.channelID)
        """)
    }
    try bundle.checkCapabilitiesSupported()
    return bundle
  }
}
