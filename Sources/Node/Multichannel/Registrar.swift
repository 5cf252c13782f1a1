// The map of channels: finds them at start, creates them, and finds the one that a message is for.

import BlockLedger
import ChannelConfig
import FabricCrypto
import FabricProtos
import Logging
import Membership
import MessageProcessing
import Metrics
import Ordering
import Synchronization
import SystemChannel

/// All channels of the node (Fabric: `multichannel.Registrar`).
///
/// A channel that cannot be opened is kept with the reason, and the others work.
package final class Registrar: Sendable {
  /// What the registrar knows under a channel's name.
  package enum Entry: Sendable {
    case channel(Channel)
    /// The channel's ledger exists, but the channel cannot go on; the reason says why.
    case unavailable(String)

    fileprivate static let opening = Entry.unavailable("its ledger is being opened")

    fileprivate var isBeingOpened: Bool {
      guard case .unavailable(let reason) = self, case .unavailable(let opening) = Self.opening
      else { return false }
      return reason == opening
    }
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var systemChannel: Channel?
    /// The name of a system channel that is not available.
    var brokenSystemChannel: String?
    /// Channels whose configuration could not be read, or not yet: any may be the system channel.
    var unidentified: Set<String> = []
    var stopped = false
  }

  private let state = Mutex(State())
  private let ledgers: any LedgerFactory
  private let signer: any Signer
  private let consenters: [String: any Consenter]
  private let environment: ProcessingEnvironment
  private let onConfiguration: ChannelResourcesHolder.Observer
  private let onChannel: @Sendable (String, Entry) -> Void
  private let metrics: any MetricsFactory
  private let logger: Logger

  /// - Parameters:
  ///   - consenters: By consensus type.
  ///   - onConfiguration: Called with every configuration that comes into force, in the order of each
  ///     channel, by the task that writes the channel's blocks.
  ///   - onChannel: Called with every channel once it has turned out whether it is available, and when
  ///     that changes.
  ///   - metrics: Where channels record.
  package init(
    ledgers: any LedgerFactory, signer: any Signer, consenters: [String: any Consenter],
    environment: ProcessingEnvironment,
    onConfiguration: @escaping @Sendable (ConfigBundle) -> Void = { _ in },
    onChannel: @escaping @Sendable (String, Entry) -> Void = { _, _ in },
    metrics: any MetricsFactory = NOOPMetricsHandler.instance, logger: Logger
  ) {
    self.ledgers = ledgers
    self.signer = signer
    self.consenters = consenters
    self.environment = environment
    self.onConfiguration = onConfiguration
    self.onChannel = onChannel
    self.metrics = metrics
    self.logger = logger
  }

  /// Writes the genesis block of the system channel if this node has no ledger yet.
  ///
  /// - Throws: ``RegistrarError`` if the block is not the genesis block of a system channel that this
  ///   node can order; nothing is written then.
  package func bootstrap(_ genesis: Block) async throws {
    guard try withLedgers().isEmpty else {
      logger.info("Not bootstrapping the system channel because of existing channels")
      return
    }
    let bundle = try Self.validateBootstrap(genesis)
    _ = try consenter(for: bundle)
    logger.info("Bootstrapping the system channel '\(bundle.channelID)'")
    let store = try await ledgers.openOrCreate(bundle.channelID)
    try await append(genesis, to: store)
  }

  /// Opens every channel that has a ledger, and starts them all.
  ///
  /// - Throws: ``RegistrarError`` if the ledgers cannot be listed, or if there are two system channels.
  package func initialize() async throws {
    let opened = await openAll(try withLedgers())
    let systems = opened.filter { $0.bundle.consortiums != nil }
    guard systems.count <= 1 else {
      throw RegistrarError(
        """
        There appear to be two system channels, \(systems[0].bundle.channelID) and \
        \(systems[1].bundle.channelID); remove the ledger of one of them
        """)
    }
    for channel in opened {
      do {
        let isSystem = channel.bundle.consortiums != nil
        if isSystem { try announceSystemChannel(channel.store, channel.bundle) }
        register(
          try makeChannel(store: channel.store, bundle: channel.bundle), isSystem: isSystem)
      } catch {
        markUnavailable(channel.bundle, "\(error)")
      }
    }
    let channels = channels()
    if let system = systems.first {
      logger.info(
        """
        Registrar initializing with system channel '\(system.bundle.channelID)', \
        number of channels: \(channels.count)
        """)
    } else {
      logger.info(
        """
        Registrar initializing without a system channel, \
        number of application channels: \(channels.count)
        """)
    }
    for channel in channels { channel.chain.start() }
  }

  /// Tasks that open channels at the same time: reading one's files and another's certificates overlap.
  private static let openers = 8
  /// How long start-up waits for ledgers to be opened, which takes long only if an index is rebuilt.
  /// What is not ready then is served later, and refused until then.
  private static let patience = Duration.seconds(3)

  /// Opens ledgers and reads their configurations, on all cores, since a node may have a thousand.
  private func openAll(_ channelIDs: [String]) async -> [OpenedChannel] {
    state.withLock { state in
      for channelID in channelIDs {
        state.entries[channelID] = .opening
        state.unidentified.insert(channelID)
      }
    }
    let opening = ChannelOpening(count: channelIDs.count)
    let next = SharedCounter()
    for _ in 0..<min(Self.openers, channelIDs.count) {
      Task {
        while let index = next.next(below: channelIDs.count) {
          let channel = await self.open(channelIDs[index])
          if !opening.deliver(channel), let channel { self.adopt(channel) }
        }
      }
    }
    let opened = await opening.wait(atMost: Self.patience)
    if opening.unfinished > 0 {
      logger.warning(
        "Not all ledgers are open yet, because the index of some is rebuilt; serving the others")
    }
    return opened
  }

  private func open(_ channelID: String) async -> OpenedChannel? {
    do {
      let store = try await ledgers.openOrCreate(channelID)
      guard store.height > 0 else {
        if ledgers.isBeingJoined(channelID) {
          throw RegistrarError(
            """
            It was joined with another orderer, which had not got its first block when it was \
            stopped, and this version cannot get it; start that orderer again, or delete the \
            channel's folder in chains and its file in pendingops/join
            """)
        }
        logger.warning("Channel '\(channelID)' has an empty ledger, removing it")
        try await ledgers.remove(channelID)
        state.withLock { state in
          state.entries[channelID] = nil
          state.unidentified.remove(channelID)
        }
        return nil
      }
      return OpenedChannel(store: store, bundle: try Self.bundle(of: store))
    } catch {
      markUnavailable(channelID, "\(error)")
      if let error = error as? LedgerError, error.mayPass { openLater(channelID) }
      return nil
    }
  }

  /// How often a creation looks whether what there is of its channel has been opened.
  private static let pollInterval = Duration.milliseconds(50)

  /// How long it takes until a ledger is tried to be opened again; doubles up to the longest.
  private static let reopening = (shortest: Duration.seconds(1), longest: Duration.seconds(30))

  /// Opens a channel whose ledger could not be opened for a reason that may pass, as soon as it can be:
  /// a node that starts with a full disk needs no other start when there is room.
  private func openLater(_ channelID: String) {
    Task {
      var delay = Self.reopening.shortest
      while true {
        try? await Task.sleep(for: delay)
        guard !state.withLock({ $0.stopped }) else { return }
        do throws(LedgerError) {
          _ = try await ledgers.openOrCreate(channelID)
          break
        } catch {
          // Not once more: after a failed fsync that could succeed and mean nothing.
          guard error.mayPass else { return markUnavailable(channelID, "\(error)") }
          delay = min(delay * 2, Self.reopening.longest)
        }
      }
      if let opened = await open(channelID) { adopt(opened) }
    }
  }

  /// Begins to serve a channel whose ledger took long to be opened.
  private func adopt(_ opened: OpenedChannel) {
    let isSystem = opened.bundle.consortiums != nil
    do {
      if isSystem, let system = state.withLock({ $0.systemChannel }) {
        throw RegistrarError(
          "There is another system channel, \(system.id); remove the ledger of one of them")
      }
      let channel = try makeChannel(store: opened.store, bundle: opened.bundle)
      register(channel, isSystem: isSystem)
      guard !state.withLock({ $0.stopped }) else { return }
      channel.chain.start()
      logger.info("Channel \(channel.id) is open now, height \(channel.tip.height)")
    } catch {
      markUnavailable(opened.bundle, "\(error)")
    }
  }

  /// Stops every chain; returns when nothing is written any more. Waiting readers are woken.
  package func halt() async {
    state.withLock { $0.stopped = true }
    await withTaskGroup(of: Void.self) { group in
      for channel in channels() {
        group.addTask {
          await channel.halt()
          channel.tip.fail("the orderer is shutting down")
        }
      }
    }
  }

  /// What is known under a name; nil if no such channel exists here.
  package func lookUp(_ channelID: String) -> Entry? {
    state.withLock { $0.entries[channelID] }
  }

  /// The channel that processes an envelope: the one it names, or the system channel, to which
  /// belongs what concerns channels that do not exist.
  ///
  /// - Throws: ``ChannelUnavailable``, also if it is the system channel that is not available;
  ///   `ProcessingError` if there is no such channel and no system channel.
  package func broadcastChannel(for envelope: EnvelopeView) throws -> Channel {
    let (entry, system) = state.withLock { ($0.entries[envelope.channelID], $0.systemChannel) }
    switch entry {
    case .channel(let channel): return channel
    case .unavailable(let reason):
      throw ChannelUnavailable(channelID: envelope.channelID, reason: reason)
    case nil:
      if let system { return system }
      if let missing = missingSystemChannel() { throw missing }
      throw ProcessingError.badRequest(
        """
        channel creation request not allowed because the orderer system channel is not defined
        """)
    }
  }

  /// Why the system channel is missing, if this node has or may have one.
  private func missingSystemChannel() -> ChannelUnavailable? {
    state.withLock { state in
      guard let name = state.brokenSystemChannel ?? state.unidentified.min(),
        case .unavailable(let reason) = state.entries[name]
      else { return nil }
      let doubt = state.brokenSystemChannel == nil ? "may be" : "is"
      return ChannelUnavailable(
        channelID: name,
        reason: "\(reason) (it \(doubt) the system channel, which creates channels)")
    }
  }

  /// Every channel that works.
  package func channels() -> [Channel] {
    state.withLock { state in
      state.entries.values.compactMap {
        if case .channel(let channel) = $0 { channel } else { nil }
      }
    }
  }

  private func withLedgers() throws -> [String] {
    do {
      return try ledgers.channelIDs()
    } catch { throw RegistrarError("The ledgers cannot be listed: \(error)") }
  }

  private func markUnavailable(_ channelID: String, _ reason: String) {
    logger.error("[channel: \(channelID)] The channel is not available: \(reason)")
    state.withLock { $0.entries[channelID] = .unavailable(reason) }
    onChannel(channelID, .unavailable(reason))
  }

  private func markUnavailable(_ bundle: ConfigBundle, _ reason: String) {
    markUnavailable(bundle.channelID, reason)
    state.withLock { state in
      state.unidentified.remove(bundle.channelID)
      if bundle.consortiums != nil { state.brokenSystemChannel = bundle.channelID }
    }
  }

  private func register(_ channel: Channel, isSystem: Bool) {
    logger.debug("Registered channel \(channel.id) at height \(channel.tip.height)")
    state.withLock { state in
      state.entries[channel.id] = .channel(channel)
      state.unidentified.remove(channel.id)
      if isSystem { state.systemChannel = channel }
    }
    onChannel(channel.id, .channel(channel))
  }

  private func announceSystemChannel(_ store: any BlockStore, _ bundle: ConfigBundle) throws {
    let hash = SHA256Digest.hash(try store.block(0).header.derBytes())
    logger.info(
      """
      Starting system channel '\(bundle.channelID)' with genesis block hash \(hexadecimal(hash)) and \
      orderer type \(bundle.orderer?.consensusType ?? "")
      """)
  }

  private func consenter(for bundle: ConfigBundle) throws -> any Consenter {
    let type = bundle.orderer?.consensusType ?? ""
    guard let consenter = consenters[type] else {
      throw RegistrarError(
        """
        Error retrieving consenter of type: \(type) (channel '\(bundle.channelID)'); this orderer \
        supports: \(consenters.keys.sorted().joined(separator: ", "))
        """)
    }
    return consenter
  }

  private func makeChannel(store: any BlockStore, bundle: ConfigBundle) throws -> Channel {
    onConfiguration(bundle)
    let consenter = try consenter(for: bundle)
    guard consenter.role(in: bundle) == .consenter else {
      throw RegistrarError("This node is no consenter of channel '\(bundle.channelID)'")
    }
    let resources = ChannelResourcesHolder(
      bundle: bundle, signer: signer, consenter: consenter, observer: onConfiguration)
    let processor: any ChannelProcessor =
      bundle.consortiums == nil
      ? StandardChannelProcessor(resources, environment: environment)
      : SystemChannelProcessor(resources, directory: self, environment: environment)
    let support = try ChainSupport(
      resources: resources, processor: processor, store: store,
      createChannel: { [weak self] in try await self?.createChannel($0) },
      metrics: ChannelMetrics(channelID: bundle.channelID, factory: metrics), logger: logger)
    return try Channel(support: support, consenter: consenter)
  }

  /// Writes the first block of a ledger.
  private func append(_ genesis: Block, to store: any BlockStore) async throws {
    let began = ContinuousClock.now
    try await store.append(genesis)
    ChannelMetrics(channelID: store.channelID, factory: metrics)
      .committed(blocks: 1, in: began.duration(to: .now))
  }

  /// Makes a channel whose genesis block holds the given CONFIG envelope, and starts it.
  func createChannel(_ genesis: EnvelopeView) async throws {
    let channelID = genesis.channelID
    // An earlier attempt may have been cut short by a crash. What that left is removed when it is open,
    // if it has no block.
    while lookUp(channelID)?.isBeingOpened == true {
      try await Task.sleep(for: Self.pollInterval)
    }
    guard lookUp(channelID) == nil else {
      // Two creations of one channel were under way at the same time.
      logger.warning("Channel \(channelID) already exists, skipping its creation")
      return
    }
    let bundle = try ConfigBundle(configEnvelope: genesis.bytes)
    try bundle.checkCapabilitiesSupported()
    let store = try await ledgers.openOrCreate(channelID)
    if store.height == 0 {
      try await append(
        Block(
          header: BlockHeader(
            number: 0, previousHash: [], dataHash: SHA256Digest.hash(genesis.bytes)),
          data: [genesis.bytes],
          metadata: [[UInt8]](repeating: [], count: BlockMetadata.count)),
        to: store)
    }
    let channel = try makeChannel(store: store, bundle: bundle)
    register(channel, isSystem: false)
    channel.chain.start()
    logger.info("Created and started new channel \(channelID)")
  }
}

extension Registrar: ChannelDirectory {
  package var channelCount: Int { state.withLock { $0.entries.count } }
  package func contains(_ channelID: String) -> Bool { lookUp(channelID) != nil }
}
