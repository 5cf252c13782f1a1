// What readers get for their requests.

import BlockLedger
import FabricProtos
import Foundation
import Synchronization
import Testing

@testable import AtomicBroadcast

@Suite struct DeliverTests {
  @Test func rangesOfBlocksAreDelivered() async throws {
    let world = try await World()
    try await world.grow(to: 4)
    let admin = try Client.ordererAdmin()
    let cases: [(Orderer_SeekPosition.OneOf_Type, Orderer_SeekPosition.OneOf_Type, [UInt64])] = [
      (.oldest, .newest, [0, 1, 2, 3]), (.oldest, .oldest, [0]), (.newest, .newest, [3]),
      (.number(1), .number(2), [1, 2]), (.newest, .number(3), [3]),
    ]
    for (start, stop, expected) in cases {
      let answer = try await world.request(admin.seek(start, stop))
      #expect(answer.numbers == expected)
      #expect(answer.status == .success)
    }
  }

  @Test func aLedgerThatForgetsIsReadFromItsOldestBlock() async throws {
    let world = try await World(ledgers: RAMLedgerFactory(historySize: 3))
    try await world.grow(to: 6)
    let admin = try Client.ordererAdmin()
    #expect(try await world.request(admin.seek(.oldest, .newest)).numbers == [3, 4, 5])
    #expect(try await world.request(admin.seek(.number(1), .newest)).status == .notFound)
  }

  @Test func requestsThatCannotBeMetGetTheirStatus() async throws {
    let world = try await World()
    try await world.grow(to: 3)
    let admin = try Client.ordererAdmin()
    func fail(_ info: inout Orderer_SeekInfo) { info.behavior = .failIfNotReady }
    #expect(try await world.request(admin.seek(.number(2), .number(1))).status == .badRequest)
    #expect(try await world.request(admin.seek(.number(7), .number(9))).status == .notFound)
    #expect(
      try await world.request(admin.seek(.number(3), .number(3), change: fail)).status == .notFound)
    let partly = try await world.request(admin.seek(.number(1), .number(9), change: fail))
    #expect(partly.numbers == [1, 2])
    #expect(partly.status == .notFound)
    #expect(
      try await world.request(admin.seek(.oldest, .newest) { $0.clearStop() }).status == .badRequest
    )
    #expect(
      try await world.request(admin.seek(.oldest, .newest, channel: "nowhere")).status == .notFound)
  }

  @Test func aReaderAtTheTipGetsTheNextBlock() async throws {
    let world = try await World()
    let stream = FakeStream()
    stream.push([try Client.ordererAdmin().seek(.number(1), .number(2))])
    let reader = Task { try await world.deliver.handle(stream) }
    try await Task.sleep(for: .milliseconds(50))
    #expect(try stream.delivered.numbers == [])
    try await world.grow(to: 3)
    stream.finish()
    try await reader.value
    #expect(try stream.delivered.numbers == [1, 2])
    #expect(try stream.delivered.status == .success)
  }

  @Test func aStrictReaderIsToldThatTheChainHasFailed() async throws {
    let world = try await World()
    let admin = try Client.ordererAdmin()
    let stream = FakeStream()
    stream.push([try admin.seek(.newest, .number(9))])
    let reader = Task { try await world.deliver.handle(stream) }
    try await Task.sleep(for: .milliseconds(50))
    try world.system.tip.fail("test")
    try await reader.value
    #expect(try stream.delivered.status == .serviceUnavailable)
    #expect(try await world.request(admin.seek(.oldest, .oldest)).status == .serviceUnavailable)
    let patient = try await world.request(
      admin.seek(.oldest, .oldest) { $0.errorResponse = .bestEffort })
    #expect(patient.status == .success)
  }

  @Test func aCancelledReaderStopsWaiting() async throws {
    let world = try await World()
    let stream = FakeStream()
    stream.push([try Client.ordererAdmin().seek(.nextCommit, .number(9))])
    let reader = Task { try await world.deliver.handle(stream) }
    try await Task.sleep(for: .milliseconds(20))
    reader.cancel()
    await #expect(throws: StreamFailure.self) { try await reader.value }
  }

  @Test func requestsMustBeFresh() async throws {
    let world = try await World()
    let admin = try Client.ordererAdmin()
    for time in [nil, Date() - 1_000, Date() + 1_000] {
      let request = try admin.seek(.oldest, .oldest, time: time)
      #expect(try await world.request(request).status == .badRequest)
    }
    #expect(
      try await world.request(admin.seek(.oldest, .oldest, time: Date() - 800)).status == .success)
  }

  @Test func withMutualTLSRequestsAreBoundToTheirSession() async throws {
    let world = try await World(requiresBinding: true)
    let admin = try Client.ordererAdmin()
    let own = [UInt8](repeating: 5, count: 32)
    let bound = try admin.seek(.oldest, .oldest, tlsHash: own)
    #expect(try await world.request(bound, tlsHash: own).status == .success)
    #expect(try await world.request(bound, tlsHash: [1]).status == .badRequest)
    #expect(try await world.request(bound).status == .badRequest)
    #expect(
      try await world.request(admin.seek(.oldest, .oldest), tlsHash: own).status == .badRequest)
  }

  @Test func aSessionEndsWhenItsCertificateExpires() async throws {
    let admin = try Client.ordererAdmin()
    let expiry = try #require(
      try await World().system.bundle.mspManager.validIdentity(serialized: admin.creator[...])
        .expiresAt)
    // The node's clock stands a moment before the expiry until the first block is delivered.
    let stream = FakeStream()
    let start = Mutex<Date?>(nil)
    let clock: @Sendable () -> Date = {
      guard (try? stream.delivered.numbers.isEmpty) == false else { return expiry - 0.2 }
      let now = Date()
      let elapsed = start.withLock { start in
        if start == nil { start = now }
        return now.timeIntervalSince(start ?? now)
      }
      return expiry - 0.2 + elapsed
    }
    let world = try await World(now: clock)
    stream.push([try admin.seek(.oldest, .number(9), time: clock())])
    try await world.deliver.handle(stream)
    #expect(try stream.delivered.numbers == [0])
    #expect(try stream.delivered.status == .forbidden)
  }

  @Test func whoMayNotReadIsForbidden() async throws {
    let world = try await World()
    #expect(
      try await world.request(Client.member().seek(.oldest, .oldest)).status == .forbidden)
  }

  @Test func headersAloneAreDeliveredOnRequest() async throws {
    let world = try await World()
    try await world.grow(to: 2)
    let stream = FakeStream()
    stream.push([
      try Client.ordererAdmin().seek(.oldest, .newest) { $0.contentType = .headerWithSig }
    ])
    stream.finish()
    try await world.deliver.handle(stream)
    let blocks = try stream.blocks
    #expect(blocks[0].data.data.count == 1, "a config block keeps its data")
    #expect(blocks[1].data.data.isEmpty)
    #expect(blocks[1].header.number == 1)
  }
}
