// The connections of a node to the nodes that order channels together with it.

import Concurrency
import Logging
import Membership
import Metrics
import NIOCore
import Ordering
import Synchronization

/// Hands on the messages of chains to other nodes, and those of other nodes to chains (Fabric:
/// `cluster.Comm`).
///
/// A node has one connection to each other node, for all channels; on it, each channel has a stream for the messages
/// of its consensus protocol and one for those of clients, made when there is something to send.
package final class Cluster: ClusterTransport {
  /// The two ways to a member of a channel.
  private struct Peer: Sendable {
    let server: ClusterServer
    let consensus: Egress
    let transaction: Egress
  }

  private struct Channel: Sendable {
    weak let chain: (any ClusterChain)?
    var peers: [UInt64: Peer] = [:]
  }

  private struct State: Sendable {
    var registry = MemberRegistry()
    var channels: [String: Channel] = [:]
    /// Kept over a channel's end, since its last streams end later.
    var streamCounts: [String: StreamCount] = [:]
    var isShutDown = false
  }

  let settings: ClusterSettings
  let metrics: ClusterMetrics
  let logger: Logger
  /// Seconds since 1970.
  let now: @Sendable () -> Int64
  /// How many streams each node has open to this one.
  let ingress: IngressStreams
  private let connections: ConnectionPool
  private let time: any TimeSource
  private let state = Mutex(State())

  /// - Parameters:
  ///   - time: The clock of time-outs.
  ///   - now: Seconds since 1970, for the expiry of certificates.
  ///   - logger: For what is sent and received.
  package init(
    settings: ClusterSettings, connector: any ClusterConnector, time: any TimeSource,
    now: @escaping @Sendable () -> Int64, logger: Logger,
    metrics factory: any MetricsFactory = NOOPMetricsHandler.instance
  ) {
    self.settings = settings
    self.time = time
    self.now = now
    self.logger = logger
    metrics = ClusterMetrics(factory: factory)
    ingress = IngressStreams(
      limit: ClusterSettings.maximumStreamsPerNode, count: metrics.ingressStreams)
    connections = ConnectionPool(
      connector: connector, settings: settings, time: time, connectionCount: metrics.connections,
      logger: logger)
  }

  // MARK: Members

  package func connect(
    _ channelID: String, as own: ClusterMember? = nil, to members: [ClusterMember],
    for chain: any ClusterChain
  ) {
    // Certificates are read outside of the lock, which every message takes, and only if they are new.
    let known = state.withLock { $0.registry.entries(of: channelID) }
    let ownCertificate = own.flatMap { try? TLSCertificate(pem: $0.clientCertificate).der }
    let entries = members.map { member in
      if let entry = known[member.id], entry.member == member,
        entry.server?.ownCertificate == ownCertificate
      {
        return entry
      }
      return MemberRegistry.Entry(member, ownCertificate: ownCertificate)
    }
    let (gone, change) = state.withLock { state -> ([Peer], MemberRegistry.Change) in
      guard !state.isShutDown else { return ([], MemberRegistry.Change()) }
      let change = state.registry.set(entries, of: channelID)
      var channel = Channel(chain: chain, peers: state.channels[channelID]?.peers ?? [:])
      let gone = change.gone.compactMap { channel.peers.removeValue(forKey: $0.member.id) }
      for entry in change.new {
        channel.peers[entry.member.id] = makePeer(entry, of: channelID, &state)
      }
      state.channels[channelID] = channel
      return (gone, change)
    }
    gone.forEach(end)
    tell(change, channelID)
  }

  package func disconnect(_ channelID: String) {
    let gone = state.withLock { state -> [Peer] in
      _ = state.registry.remove(channelID)
      return state.channels.removeValue(forKey: channelID).map { Array($0.peers.values) } ?? []
    }
    gone.forEach(end)
  }

  /// Ends all streams and connections. Nothing is sent or taken any more.
  package func shutdown() {
    let channels = state.withLock { state in
      defer { state = State(isShutDown: true) }
      return state.channels.values.map { Array($0.peers.values) }
    }
    channels.joined().forEach(end)
  }

  private func makePeer(
    _ entry: MemberRegistry.Entry, of channelID: String, _ state: inout State
  ) -> Peer? {
    guard let server = entry.server else { return nil }
    let streams = state.streamCounts[channelID] ?? metrics.egressStreams(channelID)
    state.streamCounts[channelID] = streams
    connections.retain(server)
    func egress(_ kind: Egress.Kind) -> Egress {
      Egress(
        kind,
        Egress.Environment(
          channelID: channelID, member: entry.member.id, server: server, nodeName: entry.nodeName,
          notAfter: entry.notAfter, connections: connections, settings: settings, time: time,
          now: now,
          metrics: metrics.egress(channelID, server, kind, streams: streams),
          logger: channelLogger(channelID),
          lostContact: { [weak self] in
            self?.lostContact(with: entry.member.id, kind, in: channelID)
          }))
    }
    return Peer(server: server, consensus: egress(.consensus), transaction: egress(.transaction))
  }

  private func end(_ peer: Peer) {
    peer.consensus.close()
    peer.transaction.close()
    connections.release(peer.server)
  }

  private func channelLogger(_ channelID: String) -> Logger {
    var logger = logger
    logger[metadataKey: "channel"] = "\(channelID)"
    return logger
  }

  private func tell(_ change: MemberRegistry.Change, _ channelID: String) {
    let logger = channelLogger(channelID)
    let stay = Set(change.new.map(\.member.id))
    for entry in change.gone where !stay.contains(entry.member.id) {
      logger.info(
        """
        Deactivated node \(entry.member.id) who's endpoint is \(entry.member.host):\
        \(entry.member.port) as it's removed from membership
        """)
    }
    for entry in change.new {
      logger.debug(
        "Node \(entry.member.id) of the channel is at \(entry.member.host):\(entry.member.port)")
      if entry.server == nil || entry.clientKey == nil {
        logger.error(
          """
          The configuration has a certificate of node \(entry.member.id), \(entry.member.host):\
          \(entry.member.port), that cannot be read: the node cannot take part
          """)
      }
    }
  }

  // MARK: Sending

  package func send(
    _ payload: [ArraySlice<UInt8>], metadata: [UInt8], in channelID: String, to id: UInt64
  ) -> Bool {
    guard let egress = state.withLock({ $0.channels[channelID]?.peers[id]?.consensus }) else {
      return false
    }
    let frame = StepFrame.consensus(channel: channelID, payload: payload, metadata: metadata)
    guard frame.readableBytes <= settings.maximumMessageBytes else {
      channelLogger(channelID).error(
        """
        A message of \(frame.readableBytes) bytes to node \(id) is not sent: \
        General.MaxSendMsgSize allows \(settings.maximumMessageBytes)
        """)
      return false
    }
    return egress.offer(frame)
  }

  package func submit(
    _ messages: [OrderedMessage], in channelID: String, to id: UInt64
  ) async throws(ClusterRefusal) {
    let peer = state.withLock { $0.channels[channelID].map { $0.peers[id] } }
    guard let peer else { throw .missing(channelID) }
    guard let peer else {
      throw ClusterRefusal("node \(id) doesn't exist in channel \(channelID)'s membership")
    }
    let frames = messages.map {
      StepFrame.submit(
        channel: channelID, sequence: $0.configSequence, envelope: $0.envelope.bytes,
        origin: $0.origin)
    }
    if let large = frames.first(where: { $0.readableBytes > settings.maximumMessageBytes }) {
      throw ClusterRefusal(
        """
        trying to send message larger than max (\(large.readableBytes) vs. \
        \(settings.maximumMessageBytes))
        """)
    }
    try await peer.transaction.submit(frames, series: messages.first?.origin.map(EgressSeries.init))
  }

  private func lostContact(with id: UInt64, _ kind: Egress.Kind, in channelID: String) {
    let chain = state.withLock { $0.channels[channelID]?.chain }
    if kind == .transaction { chain?.lostSubmissions(to: id) }
    chain?.lostContact(with: id)
  }

  // MARK: Receiving

  /// What is known of who sends on a channel.
  struct Sender: Sendable {
    let id: UInt64
    let chain: any ClusterChain
  }

  /// Finds out who sends on a channel, and to whom.
  ///
  /// - Parameter key: The public key of the certificate that the sender showed; nil if it showed none.
  func sender(on channelID: String, key: [UInt8]?) throws(ClusterRefusal) -> Sender {
    try state.withLock { state throws(ClusterRefusal) in
      let id = try state.registry.sender(on: channelID, key: key)
      guard let chain = state.channels[channelID]?.chain else { throw .missing(channelID) }
      return Sender(id: id, chain: chain)
    }
  }

  /// A member can reach this node, and so it can probably be reached.
  func heard(from id: UInt64, on channelID: String) {
    guard let peer = state.withLock({ $0.channels[channelID]?.peers[id] }) else { return }
    connections.retryNow(peer.server)
    peer.consensus.retryNow()
    peer.transaction.retryNow()
  }
}
