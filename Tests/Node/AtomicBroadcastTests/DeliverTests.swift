// What readers get for their requests.

import BlockLedger
import Concurrency
import FabricProtos
import Foundation
import Synchronization
import TestSupport
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
    try await eventually { try world.system.tip.waiterCount == 1 }
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
    try await eventually { try world.system.tip.waiterCount == 1 }
    try world.system.tip.fail("test")
    try await reader.value
    #expect(try stream.delivered.status == .serviceUnavailable)
    #expect(try await world.request(admin.seek(.oldest, .oldest)).status == .serviceUnavailable)
    let patient = try await world.request(
      admin.seek(.oldest, .oldest) { $0.errorResponse = .bestEffort })
    #expect(patient.status == .success)
  }

  @Test func aPatientReaderIsToldThatTheChannelIsNotOrderedHereAnyMore() async throws {
    let world = try await World()
    let stream = FakeStream()
    stream.push([
      try Client.ordererAdmin().seek(.newest, .number(9)) { $0.errorResponse = .bestEffort }
    ])
    let reader = Task { try await world.deliver.handle(stream) }
    try await eventually { try world.system.tip.waiterCount == 1 }
    await world.registrar.halt()
    stream.finish()
    try await reader.value
    #expect(try stream.delivered.status == .serviceUnavailable)
  }

  @Test func aCancelledReaderStopsWaiting() async throws {
    let world = try await World()
    let stream = FakeStream()
    stream.push([try Client.ordererAdmin().seek(.nextCommit, .number(9))])
    let reader = Task { try await world.deliver.handle(stream) }
    try await eventually { try world.system.tip.waiterCount == 1 }
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
    let hasExpired = Atomic<Bool>(false)
    let now: @Sendable () -> Date = {
      hasExpired.load(ordering: .acquiring) ? expiry + 0.01 : expiry - 5
    }
    let time = ManualTime()
    let world = try await World(now: now, time: time)
    let stream = FakeStream()
    stream.push([try admin.seek(.oldest, .number(9), time: expiry)])
    let reader = Task { try await world.deliver.handle(stream) }
    await time.waitForSleepers(1)
    hasExpired.store(true, ordering: .releasing)
    time.advance(by: .seconds(6))
    try await reader.value
    #expect(try stream.delivered.numbers == [0])
    #expect(try stream.delivered.status == .forbidden)
  }

  @Test func aClientThatMayNotReadIsForbidden() async throws {
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
