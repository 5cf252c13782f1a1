// What an operator can see of broadcasts and deliveries.

import FabricProtos
import MetricsTestKit
import Multichannel
import TestSupport
import Testing

@testable import AtomicBroadcast

@Suite struct MetricsTests {
  private let metrics = TestMetrics()

  private func processed(
    _ status: String, channel: String = World.systemChannel, type: String = "ENDORSER_TRANSACTION"
  ) -> Int64 {
    metrics.counterTotal(
      label: "broadcast_processed_count",
      dimensions: [("channel", channel), ("type", type), ("status", status)])
  }

  private func times(_ label: String, _ status: String) -> Int {
    metrics.timers(label: label, dimensions: [("status", status)]).map(\.values.count)
      .reduce(0, +)
  }

  private func delivered(_ label: String, _ more: [(String, String)] = []) -> Int64 {
    metrics.counterTotal(
      label: label,
      dimensions: [
        ("channel", World.systemChannel), ("filtered", "false"), ("data_type", "block"),
      ] + more)
  }

  @Test func everyAnsweredMessageIsCountedByChannelTypeAndStatus() async throws {
    let world = try await World(metrics: metrics)
    let admin = try Client.ordererAdmin()
    let messages = try (0..<20).map {
      try admin.envelope($0 % 5 == 0 ? .message : .endorserTransaction)
    }
    let foreign = try Client.member().envelope()
    _ = try await world.send(messages + [foreign, messages[0]])
    _ = try await world.send(messages)
    #expect(processed("SUCCESS") == 32)
    #expect(processed("SUCCESS", type: "MESSAGE") == 8)
    // What follows a refusal is neither answered nor counted.
    #expect(processed("FORBIDDEN") == 1)
    #expect(metrics.counterTotal(label: "broadcast_processed_count") == 41)
  }

  @Test func validationIsTimedForAllMessagesAndEnqueuingForThoseThatGetThatFar() async throws {
    let world = try await World(metrics: metrics)
    let good = try Client.ordererAdmin().envelope()
    _ = try await world.send([good, good, try Client.member().envelope()])
    #expect(times("broadcast_validate_duration", "SUCCESS") == 2)
    #expect(times("broadcast_enqueue_duration", "SUCCESS") == 2)
    #expect(times("broadcast_validate_duration", "FORBIDDEN") == 1)
    #expect(times("broadcast_enqueue_duration", "FORBIDDEN") == 0)
    let validation = metrics.timers(label: "broadcast_validate_duration").flatMap(\.values)
    #expect(validation.allSatisfy { $0 > 0 && $0 < 60_000_000_000 })
  }

  @Test func aMessageThatTheChainRefusesIsCountedOnce() async throws {
    let world = try await World(metrics: metrics)
    await world.registrar.halt()
    let good = try Client.ordererAdmin().envelope()
    #expect(try await world.send([good, good, good]) == [.serviceUnavailable])
    #expect(processed("SERVICE_UNAVAILABLE") == 1)
    #expect(times("broadcast_enqueue_duration", "SERVICE_UNAVAILABLE") == 1)
  }

  @Test func whatClientsMakeUpDoesNotMakeSeries() async throws {
    let world = try await World(metrics: metrics)
    let admin = try Client.ordererAdmin()
    for number in 0..<30 {
      _ = try await world.send([try admin.envelope(channel: "nowhere\(number)")])
    }
    for number in 0..<30 {
      let type = try #require(Common_HeaderType(rawValue: 1_000 + number))
      _ = try await world.send([try admin.envelope(type)])
    }
    _ = try await world.send([[]])
    #expect(processed("NOT_FOUND", channel: "unknown") == 30)
    #expect(processed("SUCCESS", type: "unknown") == 30)
    #expect(processed("BAD_REQUEST", channel: "unknown", type: "unknown") == 1)
    #expect(metrics.counters(label: "broadcast_processed_count").count == 3)
  }

  @Test func deliveriesAreCounted() async throws {
    let world = try await World(metrics: metrics)
    try await world.grow(to: 4)
    let admin = try Client.ordererAdmin()
    let stream = FakeStream()
    stream.push([try admin.seek(.oldest, .newest), try admin.seek(.number(1), .number(2))])
    stream.finish()
    try await world.deliver.handle(stream)
    #expect(metrics.counterTotal(label: "deliver_streams_opened") == 1)
    #expect(metrics.counterTotal(label: "deliver_streams_closed") == 1)
    #expect(delivered("deliver_requests_received") == 2)
    #expect(delivered("deliver_requests_completed", [("success", "true")]) == 2)
    #expect(delivered("deliver_blocks_sent") == 6)
  }

  @Test func failedDeliveriesAreCountedAsSuch() async throws {
    let world = try await World(metrics: metrics)
    let admin = try Client.ordererAdmin()
    _ = try await world.request(try admin.seek(.number(7), .number(9)))
    let stream = FakeStream()
    stream.push([try admin.seek(.nextCommit, .number(9))])
    let reader = Task { try await world.deliver.handle(stream) }
    try await eventually { delivered("deliver_requests_received") == 2 }
    reader.cancel()
    _ = await reader.result
    #expect(delivered("deliver_requests_completed", [("success", "false")]) == 2)
    #expect(metrics.counterTotal(label: "deliver_streams_closed") == 2)
  }

  @Test func requestsForChannelsThatDoNotExistAreNotCounted() async throws {
    let world = try await World(metrics: metrics)
    let request = try Client.ordererAdmin().seek(.oldest, .oldest, channel: "nowhere")
    #expect(try await world.request(request).status == .notFound)
    #expect(metrics.counters(label: "deliver_requests_received").isEmpty)
  }
}
