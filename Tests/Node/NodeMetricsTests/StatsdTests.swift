// What statsd is told.

import Concurrency
import Logging
import Metrics
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import NodeMetrics

/// A statsd server that keeps what it gets.
private final class StatsdServer: Sendable {
  private final class Packets: Sendable {
    let all = Mutex([String]())
    func add(_ buffer: ByteBuffer) { all.withLock { $0.append(String(buffer: buffer)) } }
  }

  private final class Datagrams: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    let collected: Packets
    init(_ collected: Packets) { self.collected = collected }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      collected.add(unwrapInboundIn(data).data)
    }
  }

  private final class Stream: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let collected: Packets
    init(_ collected: Packets) { self.collected = collected }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      collected.add(unwrapInboundIn(data))
    }
  }

  static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  private let collected: Packets
  let channel: any Channel

  init(_ network: StatsdConfiguration.Network, port: Int = 0) async throws {
    let collected = Packets()
    self.collected = collected
    switch network {
    case .udp:
      channel = try await DatagramBootstrap(group: Self.group)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Datagrams(collected))
          }
        }
        .bind(host: "127.0.0.1", port: port).get()
    case .tcp:
      channel = try await ServerBootstrap(group: Self.group)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Stream(collected))
          }
        }
        .bind(host: "127.0.0.1", port: port).get()
    }
  }

  var port: Int { channel.localAddress?.port ?? 0 }
  var packets: [String] { collected.all.withLock { $0 } }
  var lines: [String] {
    packets.joined().split(separator: "\n").map(String.init)
  }

  func waitFor(_ line: String) async throws {
    try await eventually { self.lines.contains(line) }
  }
}

@Suite(.sockets) struct StatsdTests {
  private let log = TestLog()
  private let time = ManualTime()

  private func reporter(
    _ network: StatsdConfiguration.Network, _ address: String, _ registry: MetricRegistry,
    prefix: String = ""
  ) -> StatsdReporter {
    var configuration = StatsdConfiguration(
      network: network, address: address, writeInterval: .seconds(10), prefix: prefix)
    configuration.patience = .seconds(3600)
    return StatsdReporter(
      configuration: configuration, registry: registry, time: time, logger: log.logger)
  }

  private func registry() -> MetricRegistry {
    MetricRegistry(catalogue: .test, keepsObservations: true, logger: log.logger)
  }

  /// The lines of a report, sorted.
  private func report(_ registry: MetricRegistry, prefix: String = "") async throws -> [String] {
    var lines: [String] = []
    try await StatsdReport(prefix: prefix).lines(of: registry) {
      lines.append(String(decoding: $0, as: UTF8.self))
    }
    return lines.sorted()
  }

  @Test func countersAreSentAsWhatTheyGrewBy() async throws {
    let registry = registry()
    let counter = Counter(
      label: "broadcast_processed_count",
      dimensions: [("channel", "mychannel"), ("type", "MESSAGE"), ("status", "SUCCESS")],
      factory: registry)
    counter.increment(by: 3)
    let name = "broadcast.processed_count.mychannel.MESSAGE.SUCCESS"
    #expect(try await report(registry) == ["\(name):3.000000|c\n"])
    #expect(try await report(registry) == [])
    counter.increment(by: 2)
    #expect(try await report(registry) == ["\(name):2.000000|c\n"])
    counter.reset()
    counter.increment()
    #expect(try await report(registry) == ["\(name):1.000000|c\n"])
  }

  @Test func gaugesAreSentWhenTheyWereSet() async throws {
    let registry = registry()
    let gauge = Gauge(
      label: "ledger_blockchain_height", dimensions: [("channel", "a")], factory: registry)
    #expect(try await report(registry) == [])
    gauge.record(7)
    gauge.record(8)
    #expect(try await report(registry) == ["ledger.blockchain_height.a:8.000000|g\n"])
    #expect(try await report(registry) == [])
    gauge.record(8)
    #expect(try await report(registry) == ["ledger.blockchain_height.a:8.000000|g\n"])
  }

  @Test func histogramsAreSentAsSingleTimings() async throws {
    let registry = registry()
    let timer = Timer(
      label: "blockcutter_block_fill_duration", dimensions: [("channel", "a")], factory: registry)
    timer.recordMilliseconds(20)
    timer.recordSeconds(3)
    #expect(
      try await report(registry) == [
        "blockcutter.block_fill_duration.a:0.020000|ms\n",
        "blockcutter.block_fill_duration.a:3.000000|ms\n",
      ])
    #expect(try await report(registry) == [])
  }

  @Test func manyObservationsAreSampledAndTheRateIsTold() async throws {
    let registry = registry()
    let timer = Timer(
      label: "blockcutter_block_fill_duration", dimensions: [("channel", "a")], factory: registry)
    for number in 0..<4096 { timer.recordSeconds(number) }
    let lines = try await report(registry)
    #expect(lines.count == 1024)
    #expect(lines.allSatisfy { $0.hasSuffix("|ms|@0.250000\n") })
    // From early and late ones alike.
    let values = lines.compactMap { Double($0.split(separator: ":")[1].split(separator: "|")[0]) }
    let mean = values.reduce(0, +) / Double(values.count)
    #expect(abs(mean - 2048) < 300)
  }

  @Test func allWaitingObservationsTogetherAreBounded() async throws {
    var limits = MetricRegistry.Limits()
    limits.waitingObservations = 100
    let registry = MetricRegistry(
      catalogue: .test, limits: limits, keepsObservations: true, logger: log.logger)
    func record() {
      for channel in 0..<10 {
        let timer = Timer(
          label: "blockcutter_block_fill_duration", dimensions: [("channel", "\(channel)")],
          factory: registry)
        for _ in 0..<50 { timer.recordSeconds(1) }
      }
    }
    for _ in 0..<3 {
      record()
      #expect(try await report(registry).count == 100)
    }
    // What is destroyed gives its share back.
    record()
    for channel in 0..<10 { registry.removeSeries(label: "channel", value: "\(channel)") }
    record()
    #expect(try await report(registry).count == 100)
  }

  @Test(arguments: [
    ("", ""), ("pre", "pre."), ("pre.", "pre."), ("a.b", "a.b."),
  ])
  func thePrefixEndsInAPeriod(prefix: String, start: String) async throws {
    let registry = registry()
    Counter(label: "deliver_streams_opened", factory: registry).increment()
    #expect(
      try await report(registry, prefix: prefix) == ["\(start)deliver.streams_opened:1.000000|c\n"])
  }

  @Test func whatMeansSomethingToStatsdIsReplacedInLabels() async throws {
    let registry = registry()
    Gauge(
      label: "fabric_version", dimensions: [("version", "2.5.16|a:b c\nd\t")], factory: registry
    ).record(1)
    #expect(try await report(registry) == ["fabric_version.2_5_16_a_b_c_d_:1.000000|g\n"])
  }

  @Test func packetsAreFilledButNotBeyondTheirLimit() {
    var packets = StatsdPackets(limit: 100)
    var sent: [[UInt8]] = []
    for size in [30, 30, 30, 30, 100, 1, 5000, 99, 1] {
      if let full = packets.add([UInt8](repeating: 65, count: size)) { sent.append(full) }
    }
    #expect(sent.map(\.count) == [90, 30, 100, 100])
    #expect(packets.packet.count == 1 || packets.packet.count == 100)
  }

  @Test(arguments: [StatsdConfiguration.Network.udp, .tcp])
  func metricsArePushedAgainAndAgain(network: StatsdConfiguration.Network) async throws {
    let server = try await StatsdServer(network)
    let registry = registry()
    let reporter = reporter(network, "127.0.0.1:\(server.port)", registry, prefix: "pre")
    let counter = Counter(label: "deliver_streams_opened", factory: registry)
    counter.increment(by: 3)
    try await reporter.start()
    await time.waitForSleepers(1)
    time.advance(by: .seconds(10))
    try await server.waitFor("pre.deliver.streams_opened:3.000000|c")
    counter.increment(by: 4)
    await time.waitForSleepers(1)
    time.advance(by: .seconds(10))
    try await server.waitFor("pre.deliver.streams_opened:4.000000|c")
    try await eventually { server.lines.contains { $0.hasPrefix("pre.process.open_fds:") } }
    // What is recorded last is not lost.
    counter.increment(by: 5)
    await reporter.shutdown()
    try await server.waitFor("pre.deliver.streams_opened:5.000000|c")
    try await server.channel.close()
  }

  @Test func udpPacketsAreSmallAndEndWithALine() async throws {
    let server = try await StatsdServer(.udp)
    let registry = registry()
    let reporter = reporter(.udp, "127.0.0.1:\(server.port)", registry)
    for channel in 0..<200 {
      Gauge(
        label: "ledger_blockchain_height", dimensions: [("channel", "channel\(channel)")],
        factory: registry
      ).record(channel)
    }
    try await reporter.start()
    await reporter.shutdown()
    try await eventually {
      server.lines.filter { $0.hasPrefix("ledger.blockchain_height.") }.count == 200
    }
    #expect(server.packets.allSatisfy { $0.utf8.count <= 1432 && $0.hasSuffix("\n") })
    #expect(server.packets.count < 20)
    try await server.channel.close()
  }

  @Test func aServerThatIsNotThereStopsTheStartOnlyOverTCP() async throws {
    let taken = try await StatsdServer(.tcp)
    let port = taken.port
    try await taken.channel.close()
    let registry = registry()
    let error = await #expect(throws: StatsdError.self) {
      try await reporter(.tcp, "127.0.0.1:\(port)", registry).start()
    }
    #expect(
      error?.description
        == "dial tcp 127.0.0.1:\(port): connect: connection refused (Metrics.Statsd.Address)")
    await #expect(throws: StatsdError.self) {
      try await reporter(.udp, "nosuch.invalid:1", registry).start()
    }
    await #expect(throws: StatsdError.self) {
      try await reporter(.udp, "localhost", registry).start()
    }
    let udp = reporter(.udp, "127.0.0.1:\(port)", registry)
    try await udp.start()
    await udp.shutdown()
  }

  @Test func aServerThatWasAwayGetsWhatWasRecordedMeanwhile() async throws {
    let first = try await StatsdServer(.udp)
    let port = first.port
    let registry = registry()
    let reporter = reporter(.udp, "127.0.0.1:\(port)", registry)
    let gauge = Gauge(
      label: "ledger_blockchain_height", dimensions: [("channel", "a")], factory: registry)
    try await reporter.start()
    gauge.record(1)
    await time.waitForSleepers(1)
    time.advance(by: .seconds(10))
    try await first.waitFor("ledger.blockchain_height.a:1.000000|g")
    try await first.channel.close()
    for _ in 0..<5 {
      await time.waitForSleepers(1)
      time.advance(by: .seconds(10))
    }
    await time.waitForSleepers(1)
    let second = try await StatsdServer(.udp, port: port)
    try await eventually {
      gauge.record(2)
      await time.waitForSleepers(1)
      time.advance(by: .seconds(60))
      return second.lines.contains("ledger.blockchain_height.a:2.000000|g")
    }
    await reporter.shutdown()
    try await second.channel.close()
  }

  @Test func aTCPServerThatWasAwayLosesNoCounts() async throws {
    let first = try await StatsdServer(.tcp)
    let port = first.port
    let registry = registry()
    let reporter = reporter(.tcp, "127.0.0.1:\(port)", registry)
    try await reporter.start()
    try await first.channel.close()
    let counter = Counter(label: "deliver_streams_opened", factory: registry)
    counter.increment(by: 7)
    let second = try await StatsdServer(.tcp, port: port)
    await reporter.shutdown()
    // Through whichever of the two connections it went.
    try await eventually {
      (first.lines + second.lines).contains("deliver.streams_opened:7.000000|c")
    }
    try await second.channel.close()
  }

  @Test func aServerThatTakesNothingHoldsUpNobody() async throws {
    let server = try await ServerBootstrap(group: StatsdServer.group)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.socketOption(.so_rcvbuf), value: 4096)
      .bind(host: "127.0.0.1", port: 0).get()
    let registry = registry()
    var configuration = StatsdConfiguration(
      network: .tcp, address: "127.0.0.1:\(server.localAddress?.port ?? 0)",
      writeInterval: .seconds(10))
    // Ends the attempt to write, which nothing else would.
    configuration.patience = .milliseconds(500)
    let reporter = StatsdReporter(
      configuration: configuration, registry: registry, time: time, logger: log.logger)
    try await reporter.start()
    let timer = Timer(
      label: "blockcutter_block_fill_duration", dimensions: [("channel", "a")], factory: registry)
    for _ in 0..<1_000_000 { timer.recordNanoseconds(5) }
    await reporter.shutdown()
    #expect(try await report(registry) == [])
    try await server.close()
  }
}
