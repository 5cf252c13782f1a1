// Readers that are far behind are served next to what writes to them; nothing else is done there.

import BlockLedger
import Concurrency
import Dispatch
import FabricProtos
import Foundation
import Ordering
import Synchronization
import TestSupport
import Testing

import struct NIOCore.ByteBuffer

@testable import AtomicBroadcast

/// Runs tasks on a queue of its own.
private final class QueueExecutor: TaskExecutor {
  private static let key = DispatchSpecificKey<Bool>()
  private let queue = DispatchQueue(label: "near the transport")

  init() { queue.setSpecific(key: Self.key, value: true) }

  static var isCurrent: Bool { DispatchQueue.getSpecific(key: key) == true }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// A stream with such an executor, which notes where its blocks come from.
private final class NearStream: ClientStream {
  let remoteAddress = "test:2"
  let tlsCertificateHash: [UInt8]? = nil
  let executor: (any TaskExecutor)? = QueueExecutor()
  private let request: Mutex<[UInt8]?>
  private let sent = Watched<[(number: UInt64, isNear: Bool)]>([])
  private let statuses = Mutex<[Common_Status]>([])
  private let onBlock: @Sendable (UInt64) async throws -> Void

  init(_ request: [UInt8], onBlock: @escaping @Sendable (UInt64) async throws -> Void = { _ in }) {
    self.request = Mutex(request)
    self.onBlock = onBlock
  }

  var blocks: [(number: UInt64, isNear: Bool)] { sent.read { $0 } }

  /// Returns once this many blocks were sent.
  func waitForBlocks(_ count: Int) async { await sent.wait { $0.count >= count ? () : nil } }

  var status: Common_Status? { statuses.withLock { $0.last } }

  func nextMessages() async throws -> [[UInt8]]? {
    request.withLock { request in
      defer { request = nil }
      return request.map { [$0] }
    }
  }

  func send(_ messages: [ByteBuffer]) async throws {
    for message in messages {
      let bytes = Array(message.readableBytesView)
      switch try Orderer_DeliverResponse(serializedBytes: bytes).type {
      case .block(let block):
        let isNear = QueueExecutor.isCurrent
        sent.change { $0.append((block.header.number, isNear)) }
        try await onBlock(block.header.number)
      case .status(let status): statuses.withLock { $0.append(status) }
      case nil: break
      }
    }
  }
}

@Suite(.heavy) struct CatchUpTests {
  @Test func aReaderFarBehindIsServedNearTheTransport() async throws {
    let world = try await World()
    try await world.grow(to: 12)
    let stream = NearStream(try Client.ordererAdmin().seek(.oldest, .number(11)))
    try await world.deliver.handle(stream)
    #expect(stream.blocks.map(\.number) == Array(0..<12))
    // The first piece shows that there are more.
    #expect(stream.blocks.map(\.isNear) == [false] + Array(repeating: true, count: 11))
    #expect(stream.status == .success)
  }

  @Test func aReaderThatHasCaughtUpWaitsElsewhere() async throws {
    let world = try await World()
    try await world.grow(to: 5)
    let stream = NearStream(try Client.ordererAdmin().seek(.oldest, .number(7)))
    let reader = Task { try await world.deliver.handle(stream) }
    await stream.waitForBlocks(5)
    try await world.grow(to: 6)
    await stream.waitForBlocks(6)
    try await world.grow(to: 8)
    try await reader.value
    #expect(stream.blocks.map(\.number) == Array(0..<8))
    #expect(stream.blocks[1...4].allSatisfy { $0.isNear })
    #expect(!stream.blocks[5].isNear)
    #expect(stream.status == .success)
  }

  @Test func headersAloneTakeTheSameWay() async throws {
    let world = try await World()
    try await world.grow(to: 5)
    let stream = NearStream(
      try Client.ordererAdmin().seek(.oldest, .number(4)) { $0.contentType = .headerWithSig })
    try await world.deliver.handle(stream)
    #expect(stream.blocks.map(\.number) == Array(0..<5))
    #expect(stream.blocks.dropFirst().allSatisfy { $0.isNear })
  }

  @Test func anErrorOfTheChainEndsItInTheMiddle() async throws {
    let world = try await World()
    try await world.grow(to: 9)
    let tip = try world.system.tip
    let stream = NearStream(try Client.ordererAdmin().seek(.oldest, .number(8))) { number in
      if number == 4 { tip.fail("test") }
    }
    try await world.deliver.handle(stream)
    #expect(stream.blocks.map(\.number) == Array(0...4))
    #expect(stream.status == .serviceUnavailable)
  }

  @Test func anExpiredCertificateEndsItInTheMiddle() async throws {
    let admin = try Client.ordererAdmin()
    let expiry = try #require(
      try await World().system.bundle.mspManager.validIdentity(serialized: admin.creator[...])
        .expiresAt)
    let hasExpired = Atomic<Bool>(false)
    let world = try await World(now: {
      hasExpired.load(ordering: .relaxed) ? expiry + 1 : expiry - 1
    })
    try await world.grow(to: 9)
    let stream = NearStream(
      try admin.seek(.oldest, .number(8), time: expiry)
    ) { number in
      if number == 4 { hasExpired.store(true, ordering: .relaxed) }
    }
    try await world.deliver.handle(stream)
    #expect(stream.blocks.map(\.number) == Array(0...4))
    #expect(stream.status == .forbidden)
  }

  @Test(arguments: AccessOverTimeTests.changes)
  func aConfigurationThatTakesTheRightAwayEndsIt(
    _ change: AccessOverTimeTests.Change
  ) async throws {
    let world = try await ApplicationWorld()
    for timeout in ["3s", "4s"] {
      try await world.update { root in
        try root.change("Orderer") { orderer in
          let timeout = Orderer_BatchTimeout.with { $0.timeout = timeout }
          orderer.values["BatchTimeout"]?.value = try timeout.serializedData()
        }
      }
    }
    let client = try Client("Org2MSP", "org2.test", "user1")
    let stream = NearStream(
      try client.seek(.oldest, .number(3), channel: ApplicationWorld.channelID)
    ) { number in
      if number == 0 { try await world.update(change.apply) }
    }
    try await world.world.deliver.handle(stream)
    #expect(stream.blocks.map(\.number) == [0])
    #expect(stream.status == .forbidden)
  }
}
