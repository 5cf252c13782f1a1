// Pushes what a registry has recorded to a statsd server, again and again.

import Foundation
import Logging
import NIOCore
import NIOPosix
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
/// What is recorded waits in the registry, so that nothing here ever holds up who records. While the
/// server cannot be reached counters and gauges go on waiting and lose nothing; of the observations of
/// histograms a bounded sample waits.
package final class StatsdReporter: Sendable {
  /// Bytes of a UDP packet: what goes through any Ethernet in one piece.
  static let packetBytes = 1432
  /// Bytes that are handed to a TCP connection at once.
  private static let segmentBytes = 16 << 10
  /// How long a connection may take to be made, or to take a segment.
  private static let patience = TimeAmount.seconds(5)
  private static let longestBackoff = Duration.seconds(60)

  private struct State {
    var task: Task<Void, Never>?
    var hasStarted = false
  }

  /// A connection, and when the next may be made if there is none.
  private struct Link {
    var channel: (any Channel)?
    var backoff = Duration.seconds(1)
    var notBefore = ContinuousClock.now
    var hasWarned = false
  }

  private let configuration: StatsdConfiguration
  private let registry: MetricRegistry
  private let logger: Logger
  private let report: StatsdReport
  private let state = Mutex(State())

  /// - Parameter registry: Made with `keepsObservations`, or histograms are not sent.
  package init(configuration: StatsdConfiguration, registry: MetricRegistry, logger: Logger) {
    self.configuration = configuration
    self.registry = registry
    self.logger = logger
    report = StatsdReport(prefix: configuration.prefix)
  }

  /// Connects, as the Go orderer does at its start, and begins to push.
  ///
  /// - Throws: ``StatsdError`` if the name cannot be resolved or, over TCP, nobody answers.
  package func start() async throws {
    let mayStart = state.withLock { state in
      defer { state.hasStarted = true }
      return !state.hasStarted
    }
    guard mayStart else { return }
    let address: NetworkAddress
    do {
      address = try NetworkAddress(configuration.address)
    } catch {
      throw failure(error.description)
    }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var link = Link()
    do {
      link.channel = try await connect(to: address, group)
    } catch {
      try? await group.shutdownGracefully()
      throw failure(NetworkAddress.reason(error, call: "connect"))
    }
    let first = link
    let task = Task { await run(to: address, first, group) }
    state.withLock { $0.task = task }
  }

  /// Pushes what is there once more and ends, within ten seconds or so.
  package func shutdown() async {
    let task = state.withLock { state in
      state.hasStarted = true
      return state.task.take()
    }
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
    to address: NetworkAddress, _ first: Link, _ group: MultiThreadedEventLoopGroup
  ) async {
    var link = first
    let interval = max(configuration.writeInterval, StatsdConfiguration.minimumInterval)
    while (try? await Task.sleep(for: interval)) != nil {
      await push(to: address, &link, group)
    }
    await push(to: address, &link, group)
    try? await link.channel?.close()
    try? await group.shutdownGracefully()
  }

  private func push(
    to address: NetworkAddress, _ link: inout Link, _ group: MultiThreadedEventLoopGroup
  ) async {
    if link.channel?.isActive == false { link.channel = nil }
    do {
      if link.channel == nil {
        guard ContinuousClock.now >= link.notBefore else { return }
        link.channel = try await connect(to: address, group)
        if link.hasWarned { logger.info("The statsd server \(configuration.address) is back") }
        link = Link(channel: link.channel)
      }
      guard let channel = link.channel else { return }
      try await push(through: channel)
    } catch {
      try? await link.channel?.close()
      link.channel = nil
      link.notBefore = .now + link.backoff
      link.backoff = min(link.backoff * 2, Self.longestBackoff)
      if !link.hasWarned {
        logger.warning(
          "Metrics cannot be pushed: \(failure(NetworkAddress.reason(error, call: "connect"))); trying again until they can"
        )
        link.hasWarned = true
      }
    }
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
    let timeout = channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
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
        .connectTimeout(Self.patience)
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
