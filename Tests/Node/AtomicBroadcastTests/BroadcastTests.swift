// What clients get for their messages.

import FabricProtos
import Foundation
import Testing

@testable import AtomicBroadcast

@Suite struct BroadcastTests {
  @Test func messagesThatArriveTogetherAreAnsweredInOrder() async throws {
    let world = try await World()
    let admin = try Client.ordererAdmin()
    let messages = try (0..<50).map { try admin.envelope(data: [UInt8($0)]) }
    #expect(try await world.send(messages) == [Common_Status](repeating: .success, count: 50))
    await world.registrar.halt()
    let stream = FakeStream()
    stream.push([try admin.seek(.number(1), .newest) { $0.errorResponse = .bestEffort }])
    stream.finish()
    try await world.deliver.handle(stream)
    let found = try stream.blocks.flatMap { $0.data.data.map { [UInt8]($0) } }
    #expect(found == messages)
  }

  @Test func theFirstRefusalEndsTheStreamAfterItsAnswer() async throws {
    let world = try await World()
    let good = try Client.ordererAdmin().envelope()
    let foreign = try Client.member().envelope()
    #expect(
      try await world.send([good, good, foreign, good]) == [.success, .success, .forbidden])
  }

  @Test func anEnvelopeWithoutPayloadIsABadRequest() async throws {
    #expect(try await World().send([[]]) == [.badRequest])
  }

  @Test func bytesThatAreNoEnvelopeBreakTheStream() async throws {
    let world = try await World()
    let stream = FakeStream()
    stream.push([try Client.ordererAdmin().envelope(), [0xFF, 0xFF, 0xFF]])
    await #expect(throws: StreamFailure.self) { try await world.broadcast.handle(stream) }
    #expect(try stream.statuses == [.success])
  }

  @Test func anUnknownChannelIsNotFound() async throws {
    let message = try Client.ordererAdmin().envelope(channel: "nowhere")
    #expect(try await World().send([message]) == [.notFound])
  }

  @Test(arguments: [Common_HeaderType.config, .ordererTransaction])
  func messagesThatOnlyOrderersMakeAreRefused(_ type: Common_HeaderType) async throws {
    let message = try Client.ordererAdmin().envelope(type)
    #expect(try await World().send([message]) == [.badRequest])
  }

  @Test func aHaltedChannelIsUnavailable() async throws {
    let world = try await World()
    await world.registrar.halt()
    #expect(
      try await world.send([Client.ordererAdmin().envelope()]) == [.serviceUnavailable])
  }

  @Test func anOrderlyHaltKeepsWhatWasAcknowledged() async throws {
    let world = try await World()
    #expect(try await world.send([Client.ordererAdmin().envelope()]) == [.success])
    await world.registrar.halt()
    #expect(try world.system.tip.height == 2)
  }
}
