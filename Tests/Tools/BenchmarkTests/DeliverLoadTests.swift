// Readers count what they get, and say so when a session ends as it should not.

import Concurrency
import FabricProtos
import NIOCore
import Synchronization
import Testing

@testable import Benchmark

/// A connection whose streams answer with prepared messages, and then end or wait.
private final class PreparedOrderer: LoadConnection {
  private let bursts: [[[UInt8]]]
  private let ends: Bool
  let requests = Mutex<[[UInt8]]>([])

  init(_ bursts: [[[UInt8]]], ends: Bool) {
    self.bursts = bursts
    self.ends = ends
  }

  func openStream(_ path: String) async throws -> any LoadStream { Stream(orderer: self) }
  func close() {}

  private final class Stream: LoadStream {
    let orderer: PreparedOrderer
    private let next = Mutex(0)

    init(orderer: PreparedOrderer) { self.orderer = orderer }

    func send(_ messages: [ByteBuffer]) async throws {
      orderer.requests.withLock { $0 += messages.map { Array($0.readableBytesView) } }
    }

    func nextMessages() async throws -> [[UInt8]]? {
      let index = next.withLock { next in
        defer { next += 1 }
        return next
      }
      if index < orderer.bursts.count { return orderer.bursts[index] }
      guard !orderer.ends else { return nil }
      await untilCancelled()
      throw CancellationError()
    }

    func cancel() {}
  }
}

struct DeliverLoadTests {
  private static let success: [UInt8] = [0x08, 0xC8, 0x01]
  private static let notFound: [UInt8] = [0x08, 0x94, 0x03]

  /// A DeliverResponse with a block of tagged envelopes.
  private static func block(_ numbers: [Int], run: UInt64 = 7) -> [UInt8] {
    let block = Block(
      header: BlockHeader(
        number: 1, previousHash: [UInt8](repeating: 1, count: 32),
        dataHash: [UInt8](repeating: 2, count: 32)),
      data: numbers.map { [0, 0, 0] + EnvelopeTag.bytes(run: run, number: $0) + [9] },
      metadata: [])
    let bytes = block.serialized()
    var response: [UInt8] = [0x12]
    Varint.append(UInt64(bytes.count), to: &response)
    return response + bytes
  }

  private static func load(_ orderer: PreparedOrderer, _ totals: ReaderTotals) -> DeliverLoad {
    DeliverLoad(connection: orderer, request: [1, 2], totals: totals)
  }

  private static func run() -> LoadRun {
    let run = LoadRun(count: 4, deadline: .max, clock: RunClock(ManualTime()))
    run.send(0..<4, scheduledAt: 0)
    return run
  }

  @Test("A reader at the tip tells a run what is in the blocks, until it is cancelled")
  func tip() async {
    let blocks = [[Self.block([0, 2])], [Self.block([1]), Self.block([3, 0], run: 8)]]
    let orderer = PreparedOrderer(blocks, ends: false)
    let (run, totals) = (Self.run(), ReaderTotals())
    _ = run.answer([Self.success, Self.success, Self.success], from: 0)
    let task = Task {
      await Self.load(orderer, totals).follow(run, tag: EnvelopeTag(run: 7, offset: 3))
    }
    await run.changed { $0.blocks == 3 }
    task.cancel()
    await task.value
    let account = run.current
    #expect(account.delivered == 3 && account.foreign == 2 && account.failures == 0)
    #expect(totals.current.transactions == 5)
    #expect(totals.current.bytes == blocks.joined().reduce(0) { $0 + $1.count })
    #expect(orderer.requests.withLock { $0 } == [[1, 2]])
  }

  @Test("A reader whose session ends is a failure of the run", arguments: [true, false])
  func endOfSession(withStatus: Bool) async {
    let orderer = PreparedOrderer(withStatus ? [[Self.notFound]] : [], ends: true)
    let run = Self.run()
    await Self.load(orderer, ReaderTotals()).follow(run, tag: EnvelopeTag(run: 7, offset: 3))
    #expect(run.current.failures == 1)
    #expect(run.current.reasons[0].hasSuffix(withStatus ? "404" : "none"))
  }

  @Test("Catching up ends with the status, and only a good one will do")
  func catchingUp() async throws {
    let blocks = [[Self.block([0]), Self.block([1])], [Self.block([2]), Self.success]]
    let totals = ReaderTotals()
    try await Self.load(PreparedOrderer(blocks, ends: true), totals).catchUp()
    #expect(totals.current.blocks == 3)
    for bursts in [[], [[Self.block([0])]], [[Self.notFound]], [[[0x0A]]]] {
      await #expect(throws: (any Error).self) {
        try await Self.load(PreparedOrderer(bursts, ends: true), ReaderTotals()).catchUp()
      }
    }
  }
}
