// Pushes what a registry has recorded to a statsd server, again and again.

import Concurrency
import Logging
import NIOCore
import NIOPosix
import Sockets
import Synchronization

/// Where and how often metrics are pushed (`Metrics.Statsd`).
package struct StatsdConfiguration: Sendable {
  package enum Network: String, Sendable {
    case udp, tcp
  }

  package var network: Network
  /// `host:port`
  package var address: String
  /// At least ``minimumInterval``.
  package var writeInterval: Duration
  /// Stands before every name; a period is added if it does not end in one.
  package var prefix: String
  /// How long a connection may take to be made, or to take a segment.
  package var patience = Duration.seconds(5)

  package static let minimumInterval = Duration.milliseconds(10)

  package init(
    network: Network, address: String, writeInterval: Duration, prefix: String = ""
  ) {
    self.network = network
    self.address = address
    self.writeInterval = writeInterval
    self.prefix = prefix
  }
}

/// The statsd server cannot be reached.
package struct StatsdError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// Pushes metrics to statsd (Fabric: common/metrics/statsd with go-kit).
///
/// What is recorded waits in the registry, so that nothing here ever holds up a room that records. While the
/// server cannot be reached counters and gauges go on waiting and lose nothing; of the observations of
/// histograms a bounded sample waits.
package final class StatsdReporter: Sendable {
  /// Bytes of a UDP packet: what goes through any Ethernet in one piece.
  static let packetBytes = 1432
  /// Bytes that are handed to a TCP connection at once.
  private static let segmentBytes = 16 << 10
  private static let shortestBackoff = Duration.seconds(1)
  private static let longestBackoff = Duration.seconds(60)

  private enum State {
    /// → starting, stopped
    case idle
    /// → reporting, stopped
    case starting
    /// → stopped
    case reporting(Task<Void, Never>)
    case stopped

    mutating func start() -> Bool {
      guard case .idle = self else { return false }
      self = .starting
      return true
    }

    /// The reporting task, which has to end.
    mutating func stop() -> Task<Void, Never>? {
      defer { self = .stopped }
      guard case .reporting(let task) = self else { return nil }
      return task
    }
  }

  private enum Link {
    /// → down
    case up(any Channel)
    /// The log knows. No connection is made before that time. → up
    case down(Backoff, until: TimeSource.Instant)
  }

  private let configuration: StatsdConfiguration
  private let registry: MetricRegistry
  private let time: any TimeSource
  private let logger: Logger
  private let report: StatsdReport
  private let state = Mutex(State.idle)

  /// - Parameters:
  ///   - registry: Made with `keepsObservations`, or histograms are not sent.
  ///   - time: For the time between two reports, and between two attempts to connect.
  package init(
    configuration: StatsdConfiguration, registry: MetricRegistry, time: any TimeSource,
    logger: Logger
  ) {
    self.time = time
    self.configuration = configuration
    self.registry = registry
    self.logger = logger
    report = StatsdReport(prefix: configuration.prefix)
  }

  /// Connects, as the Go orderer does at its start, and begins to push.
  ///
  /// - Throws: ``StatsdError`` if the name cannot be resolved or, over TCP, nobody answers.
  package func start() async throws {
    guard state.withLock({ $0.start() }) else { return }
    let address: NetworkAddress
    do {
      address = try NetworkAddress(configuration.address)
    } catch {
      throw failure(error.description)
    }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel: any Channel
    do {
      channel = try await connect(to: address, group)
    } catch {
      try? await group.shutdownGracefully()
      throw failure(NetworkAddress.reason(error, call: "connect"))
    }
    let isReporting = state.withLock { state in
      guard case .starting = state else { return false }
      state = .reporting(Task { await run(to: address, channel, group) })
      return true
    }
    guard !isReporting else { return }
    // Stopped while it started.
    try? await channel.close()
    try? await group.shutdownGracefully()
  }

  /// Pushes what is there once more and ends, within ten seconds or so.
  package func shutdown() async {
    let task = state.withLock { $0.stop() }
    task?.cancel()
    await task?.value
  }

  private func failure(_ reason: String) -> StatsdError {
    StatsdError(
      description: "dial \(configuration.network.rawValue) \(configuration.address): \(reason) "
        + "(Metrics.Statsd.Address)")
  }

  // MARK: Pushing

  private func run(
    to address: NetworkAddress, _ channel: any Channel, _ group: MultiThreadedEventLoopGroup
  ) async {
    var link = Link.up(channel)
    let interval = max(configuration.writeInterval, StatsdConfiguration.minimumInterval)
    while (try? await time.sleep(for: interval)) != nil {
      await push(to: address, &link, group)
    }
    await push(to: address, &link, group)
    if case .up(let channel) = link { try? await channel.close() }
    try? await group.shutdownGracefully()
  }

  private func push(
    to address: NetworkAddress, _ link: inout Link, _ group: MultiThreadedEventLoopGroup
  ) async {
    do {
      guard let channel = try await channel(of: &link, to: address, group) else { return }
      try await push(through: channel)
    } catch {
      await failed(error, &link)
    }
  }

  /// The connection, made again if it is gone; nil if it is too early for that.
  private func channel(
    of link: inout Link, to address: NetworkAddress, _ group: MultiThreadedEventLoopGroup
  ) async throws -> (any Channel)? {
    switch link {
    case .up(let channel):
      if !channel.isActive { link = .up(try await connect(to: address, group)) }
    case .down(_, let instant):
      guard time.now >= instant else { return nil }
      link = .up(try await connect(to: address, group))
      logger.info("The statsd server \(configuration.address) is back")
    }
    guard case .up(let channel) = link else { return nil }
    return channel
  }

  private func failed(_ error: any Error, _ link: inout Link) async {
    var backoff = Backoff(from: Self.shortestBackoff, to: Self.longestBackoff)
    switch link {
    case .up(let channel):
      try? await channel.close()
      logger.warning(
        "Metrics cannot be pushed: \(failure(NetworkAddress.reason(error, call: "connect"))); trying again until they can"
      )
    case .down(let earlier, _): backoff = earlier
    }
    let wait = backoff.next()
    link = .down(backoff, until: time.now + wait)
  }

  private func push(through channel: any Channel) async throws {
    var packets = StatsdPackets(
      limit: configuration.network == .udp ? Self.packetBytes : Self.segmentBytes)
    func add(_ line: [UInt8]) async throws {
      if let full = packets.add(line) { try await send(full, through: channel) }
    }
    try await report.lines(of: registry, add)
    try await report.lines(of: .current(), add)
    if !packets.packet.isEmpty { try await send(packets.packet, through: channel) }
  }

  private func send(_ bytes: [UInt8], through channel: any Channel) async throws {
    let timeout = channel.eventLoop.scheduleTask(in: TimeAmount(configuration.patience)) {
      channel.close(promise: nil)
    }
    defer { timeout.cancel() }
    do {
      try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    } catch let error as IOError where configuration.network == .udp && channel.isActive {
      // Nobody listened to an earlier packet. UDP has no connection to lose: go on.
      logger.debug("statsd: \(error)")
    }
  }

  private func connect(
    to address: NetworkAddress, _ group: MultiThreadedEventLoopGroup
  ) async throws -> any Channel {
    let host = address.hostToDial
    switch configuration.network {
    case .tcp:
      return try await ClientBootstrap(group: group)
        .connectTimeout(TimeAmount(configuration.patience))
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(StatsdAnswers())
          }
        }
        .connect(host: host, port: address.port).get()
    case .udp:
      return try await DatagramBootstrap(group: group)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(StatsdAnswers())
          }
        }
        .connect(host: host, port: address.port).get()
    }
  }
}

/// Drops what a statsd server says; it has nothing to say.
private final class StatsdAnswers: ChannelInboundHandler {
  typealias InboundIn = NIOAny

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
