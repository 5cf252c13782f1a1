// Who is let in, what is left to the node, what the operator reads, and how a listener pauses.

import Foundation
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Sockets

@Suite struct DoorkeeperTests {
  private let log = TestLog()

  private func door(connections: Int, descriptors: Int = .max) -> Doorkeeper {
    Doorkeeper(
      registry: ServerRegistry(maximumConnections: connections), logger: log.logger,
      descriptorLimit: { descriptors })
  }

  private func lines(_ text: String) -> Int {
    log.text.split(separator: "\n").count { $0.contains(text) }
  }

  @Test func theLimitOfConnectionsIsToldOnce() throws {
    let door = door(connections: 10)
    let channels = (0..<10).map { _ in EmbeddedChannel() }
    for channel in channels { #expect(door.admit(channel)) }
    #expect(log.text.isEmpty)
    for _ in 0..<1_000 { #expect(!door.admit(EmbeddedChannel())) }
    #expect(lines("Refusing connections: the limit of 10 connections is reached") == 1)
    for channel in channels[..<3] {
      try channel.close().wait()
      channel.embeddedEventLoop.run()
    }
    for _ in 0..<3 { #expect(door.admit(EmbeddedChannel())) }
    #expect(lines("Accepting connections again; 1000 were refused") == 1)
    #expect(!door.admit(EmbeddedChannel()))
    #expect(lines("Refusing connections") == 2)
  }

  @Test func aPlaceThatIsTakenAgainAndAgainDoesNotFillTheLog() throws {
    let door = door(connections: 100)
    var channels = (0..<100).map { _ in EmbeddedChannel() }
    for channel in channels { #expect(door.admit(channel)) }
    for _ in 0..<50 {
      #expect(!door.admit(EmbeddedChannel()))
      try channels[0].close().wait()
      channels[0].embeddedEventLoop.run()
      channels[0] = EmbeddedChannel()
      #expect(door.admit(channels[0]))
    }
    #expect(lines("connections") == 1)
  }

  @Test(arguments: [(64, 16), (128, 16), (1_024, 128), (4_096, 512), (1_048_576, 512)])
  func theNodeKeepsDescriptorsForItself(limit: Int, reserve: Int) {
    let door = door(connections: .max, descriptors: limit)
    #expect(door.admit(EmbeddedChannel(), descriptor: limit - reserve - 1))
    #expect(log.text.isEmpty)
    #expect(!door.admit(EmbeddedChannel(), descriptor: limit - reserve))
    #expect(!door.admit(EmbeddedChannel(), descriptor: limit - 1))
    #expect(lines("Refusing connections: of \(limit) file descriptors") == 1)
    #expect(door.admit(EmbeddedChannel(), descriptor: limit / 2))
    #expect(lines("Accepting connections again; 2 were refused") == 1)
  }

  @Test func aShortageOfTheSystemIsToldOnceToo() {
    let door = door(connections: 10)
    for _ in 0..<100 { door.acceptFailed("accept: too many open files") }
    #expect(lines("Cannot accept connections: accept: too many open files") == 1)
    #expect(door.admit(EmbeddedChannel()))
    #expect(lines("Accepting connections again") == 1)
  }

  @Test func theLimitIsRaisedToWhatTheProcessMayHave() {
    DescriptorLimit.raise()
    var limit = rlimit()
    #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    #expect(limit.rlim_cur == limit.rlim_max)
    #expect(DescriptorLimit.current == Int(clamping: limit.rlim_max))
  }
}

@Suite struct AcceptPauseTests {
  private let log = TestLog()

  private func isReading(_ channel: EmbeddedChannel) -> Bool? {
    channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
  }

  private func listener() throws -> EmbeddedChannel {
    // A reserve of 16, half of which may be under way.
    let door = Doorkeeper(
      registry: ServerRegistry(maximumConnections: 1), logger: log.logger,
      descriptorLimit: { 64 })
    let channel = EmbeddedChannel(handler: AcceptPause(door: door))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return channel
  }

  @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
  func itStopsReadingUntilTheNextAttempt(code: CInt) throws {
    let channel = try listener()
    for _ in 0..<3 {
      channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
      #expect(isReading(channel) == false)
      channel.embeddedEventLoop.advanceTime(by: .milliseconds(99))
      #expect(isReading(channel) == false)
      channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
      #expect(isReading(channel) == true)
    }
    #expect(log.text.split(separator: "\n").count == 1)
  }

  @Test func aConnectionThatIsGoneIsNoReasonToPause() throws {
    let channel = try listener()
    channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNABORTED, reason: "accept"))
    #expect(isReading(channel) == nil)
    #expect(throws: IOError.self) { try channel.throwIfErrorCaught() }
  }

  @Test func onlyAFewWaitToBeJudged() throws {
    let channel = try listener()
    let connections = (0..<10).map { _ in EmbeddedChannel(loop: channel.embeddedEventLoop) }
    func arrive(_ number: Int) throws {
      try channel.writeInbound(connections[number] as any Channel)
    }
    func admit(_ number: Int) {
      channel.pipeline.fireUserInboundEventTriggered(
        ConnectionAdmitted(id: ObjectIdentifier(connections[number])))
    }
    for number in 0..<7 { try arrive(number) }
    #expect(isReading(channel) == nil)
    try arrive(7)
    #expect(isReading(channel) == false)
    admit(0)
    #expect(isReading(channel) == true)
    // NIO had accepted two more.
    try arrive(8)
    try arrive(9)
    #expect(isReading(channel) == false)
    admit(1)
    admit(1)
    #expect(isReading(channel) == false)
    // What was admitted counts no more when it closes; what was not admitted does.
    try connections[0].close().wait()
    channel.embeddedEventLoop.run()
    #expect(isReading(channel) == false)
    try connections[2].close().wait()
    channel.embeddedEventLoop.run()
    #expect(isReading(channel) == true)
    channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
    for number in 3..<10 { admit(number) }
    #expect(isReading(channel) == false)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(100))
    #expect(isReading(channel) == true)
  }

  @Test func theEndOfTheListenerEndsThePause() throws {
    let channel = try listener()
    channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
    try channel.close().wait()
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(isReading(channel) == false)
  }
}

@Suite(.sockets) struct AcceptingTests {
  /// A connection that the server refuses is closed by it.
  @Test func aSocketWithinTheReserveIsClosed() async throws {
    let limit = Mutex(1 << 20)
    let log = TestLog()
    let registry = ServerRegistry(maximumConnections: 10)
    let door = Doorkeeper(
      registry: registry, logger: log.logger, descriptorLimit: { limit.withLock { $0 } })
    let group = MultiThreadedEventLoopGroup.singleton
    let listener = try await ServerBootstrap.accepting(on: group, backlog: 8, through: door) { _ in
    }
    .bind(host: "127.0.0.1", port: 0).get()
    let address = try #require(listener.localAddress)
    let first = try await ClientBootstrap(group: group).connectTimeout(.hours(1))
      .connect(to: address).get()
    try await eventually { registry.connectionCount == 1 }
    // Fewer descriptors than this process has open.
    limit.withLock { $0 = 4 }
    let second = try await ClientBootstrap(group: group).connectTimeout(.hours(1))
      .connect(to: address).get()
    try await second.closeFuture.get()
    #expect(log.text.contains("of 4 file descriptors"))
    #expect(first.isActive)
    try await first.close()
    try await listener.close()
  }
}
