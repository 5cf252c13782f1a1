// The map of channels: finds the one that a message is for, and keeps the reason why one does not work.

import BlockLedger
import ChannelConfig
import Concurrency
import FabricProtos
import Followers
import Logging
import Membership
import MessageProcessing
import Metrics
import Ordering
import Replication
import SystemChannel

/// All channels of the node (Fabric: `multichannel.Registrar`).
///
/// A channel that cannot be opened is kept with the reason, and the others work.
package final class Registrar: Sendable {
  /// What a channel is to those who bring messages to it or read from it.
  package enum Entry: Sendable {
    case channel(Channel)
    /// Others order the channel: it takes no messages here, and does not serve its blocks.
    case follower(Follower)
    /// The channel exists here, but does not serve; the reason says why.
    case unavailable(String)
  }

  let map = Watched(ChannelMap())
  let ledgers: any LedgerFactory
  let time: any TimeSource
  let onChannel: @Sendable (String, Entry) -> Void
  let onParticipation: @Sendable (String, ParticipationStatus?) -> Void
  let metrics: any MetricsFactory
  let logger: Logger
  let consenters: [String: any Consenter]
  /// Where the blocks of followed channels come from.
  let blocks: any ChannelSource
  let signer: any Signer
  let onConfiguration: ChannelResourcesHolder.Observer
  private let environment: ProcessingEnvironment
  let tracker: ChannelTracker

  /// - Parameters:
  ///   - consenters: By consensus type.
  ///   - blocks: Where the blocks of channels come from that others order.
  ///   - onConfiguration: Called with every configuration that comes into force, in the order of each
  ///     channel, by the task that writes the channel's blocks; also of channels that are followed.
  ///   - onChannel: Called with every channel once it has turned out whether it is available, and when
  ///     that changes.
  ///   - onParticipation: Called with what this node is to a channel, when that becomes known or is changed
  ///     by the registrar; nil once nothing is left of the channel.
  ///   - trackingInterval: The longest time between two looks at tracked channels.
  ///   - metrics: Where channels record.
  ///   - time: The clock for opening ledgers, and for retrying those that had no room.
  package init(
    ledgers: any LedgerFactory, signer: any Signer, consenters: [String: any Consenter],
    blocks: any ChannelSource, environment: ProcessingEnvironment,
    onConfiguration: @escaping @Sendable (ConfigBundle) -> Void = { _ in },
    onChannel: @escaping @Sendable (String, Entry) -> Void = { _, _ in },
    onParticipation: @escaping @Sendable (String, ParticipationStatus?) -> Void = { _, _ in },
    trackingInterval: Duration = ChannelTracker.standardInterval,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance, time: any TimeSource, logger: Logger
  ) {
    self.ledgers = ledgers
    self.signer = signer
    self.consenters = consenters
    self.blocks = blocks
    self.environment = environment
    self.onConfiguration = onConfiguration
    self.onChannel = onChannel
    self.onParticipation = onParticipation
    self.metrics = metrics
    self.time = time
    self.logger = logger
    tracker = ChannelTracker(longest: trackingInterval, time: time)
  }

  /// Stops every chain and every follower; returns when nothing is written any more. Waiting readers are woken, and ledgers
  /// that could not be opened are not tried again.
  package func halt() async {
    map.change { $0.halt() }
    await tracker.stop()
    await withTaskGroup(of: Void.self) { group in
      for channel in channels() {
        group.addTask { await self.halt(channel, because: "the orderer is shutting down") }
      }
      for follower in followers() { group.addTask { await follower.halt() } }
    }
  }

  func halt(_ channel: Channel, because reason: String) async {
    await channel.halt()
    channel.tip.end(reason)
  }

  /// What is known under a name; nil if no such channel is here for clients.
  package func lookUp(_ channelID: String) -> Entry? {
    map.read { $0.states[channelID].flatMap(Entry.init) }
  }

  /// The channel that processes an envelope: the one it names, or the system channel if none of that name is
  /// ordered here, since the message may create it.
  ///
  /// - Throws: ``ChannelUnavailable``, also if it is the system channel that is not available;
  ///   `ProcessingError` if there is no such channel and no system channel.
  package func broadcastChannel(for envelope: EnvelopeView) throws -> Channel {
    switch map.read({ $0.route(to: envelope.channelID) }) {
    case .channel(let channel): return channel
    case .unavailable(let error): throw error
    case .nowhere:
      throw ProcessingError.badRequest(
        """
        channel creation request not allowed because the orderer system channel is not defined
        """)
    }
  }

  /// Every channel that is ordered here, or tracked.
  package func channels() -> [Channel] {
    map.read { map in
      map.states.values.compactMap { state in
        switch state {
        case .ordering(let channel), .tracking(let channel): channel
        default: nil
        }
      }
    }
  }

  /// Every channel that is followed.
  func followers() -> [Follower] {
    map.read { map in
      map.states.values.compactMap {
        if case .following(let follower) = $0 { follower } else { nil }
      }
    }
  }

  /// The system channel's name; nil if there is none, or if it may be one that could not be opened yet.
  package var systemChannelID: String? {
    map.read { map in if case .found(let name) = map.system { name } else { nil } }
  }

  /// Whether it is certain that there is no system channel.
  package var hasNoSystemChannel: Bool { map.read { $0.system == .notFound(unread: []) } }

  /// Records that a channel cannot go on before an operator has removed the cause.
  func fail(_ channelID: String, _ reason: String) {
    record(channelID, reason) { state throws(IllegalTransition) in try state.fail(reason) }
  }

  /// Records that a channel's ledger could not be opened, but will be tried again.
  func obstructOpening(of channelID: String, _ reason: String) {
    record(channelID, reason) { state throws(IllegalTransition) in
      try state.obstructOpening(reason)
    }
  }

  func record(
    _ channelID: String, _ reason: String,
    _ transition: (inout ChannelMap.State) throws(IllegalTransition) -> Void
  ) {
    logger.error("[channel: \(channelID)] The channel is not available: \(reason)")
    do {
      try map.change { map throws(IllegalTransition) in try map.change(channelID, transition) }
      onChannel(channelID, .unavailable(reason))
      tellParticipation(in: channelID)
    } catch { logger.critical("[channel: \(channelID)] \(error)") }
  }

  /// Tells those who watch what this node is to a channel now.
  func tellParticipation(in channelID: String) {
    onParticipation(channelID, map.read { $0.info(channelID)?.participation })
  }

  /// The consenters whose channels are joined and left.
  var clusterConsenters: [any ClusterConsenter] {
    consenters.values.compactMap { $0 as? any ClusterConsenter }
  }

  func consenter(for bundle: ConfigBundle) throws(RegistrarError) -> any Consenter {
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

  /// The consenter of a channel that this node orders.
  private func orderer(of bundle: ConfigBundle) throws(RegistrarError) -> any Consenter {
    let consenter = try consenter(for: bundle)
    guard consenter.role(in: bundle) == .consenter else {
      throw RegistrarError("This node is not a consenter of channel '\(bundle.channelID)'")
    }
    return consenter
  }

  /// Makes a channel of an open ledger. Its chain does not run yet.
  ///
  /// - Parameter isTracked: Whether the channel is not ordered here, but known through the system channel.
  func makeChannel(
    store: any BlockStore, bundle: ConfigBundle, isTracked: Bool = false
  ) throws -> Channel {
    let type = bundle.orderer?.consensusType
    let comesIntoForce: ChannelResourcesHolder.Observer = { [logger, onConfiguration] bundle in
      bundle.warnOfMissingPolicies(logger)
      bundle.warnOfRestart(from: type, logger)
      onConfiguration(bundle)
    }
    comesIntoForce(bundle)
    let consenter: any Consenter =
      isTracked ? TrackingConsenter() : try orderer(of: bundle)
    let resources = ChannelResourcesHolder(
      bundle: bundle, signer: signer, consenter: consenter, others: consenters,
      observer: comesIntoForce)
    let processor: any ChannelProcessor =
      bundle.consortiums == nil
      ? StandardChannelProcessor(resources, environment: environment)
      : SystemChannelProcessor(resources, directory: self, environment: environment)
    let support = try ChainSupport(
      resources: resources, processor: processor, store: store,
      createChannel: { [weak self] in try await self?.createChannel($0) },
      cease: { [weak self] in self?.ceaseOrdering(bundle.channelID, because: $0) },
      metrics: ChannelMetrics(channelID: bundle.channelID, factory: metrics), time: time,
      logger: logger)
    return try Channel(support: support, consenter: consenter)
  }
}
