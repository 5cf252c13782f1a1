// Which messages share a block. All nodes of a channel must agree, so each rule has its test.

import FabricProtos
import Foundation
import Testing

@testable import Ordering

@Suite struct BlockCutterTests {
  /// A message of `size` bytes as the cutter counts them, known by its first byte.
  private func message(
    _ name: UInt8, size: Int, signature: Int = 0, isConfig: Bool = false
  ) throws -> OrderedMessage {
    var header = Common_ChannelHeader()
    header.channelID = "one"
    var payload = Common_Payload()
    payload.header.channelHeader = try header.serializedData()
    payload.data = Data([name])
    var envelope = Common_Envelope()
    envelope.payload = try payload.serializedData()
    // Padding in an unknown field of the payload, whose tag and length take three bytes up to 127.
    let missing = size - signature - envelope.payload.count
    if missing > 0 {
      precondition((3...130).contains(missing))
      envelope.payload += Data([0xBA, 0x3E, UInt8(missing - 3)])
      envelope.payload += Data(repeating: 0, count: missing - 3)
    }
    envelope.signature = Data(repeating: 7, count: signature)
    let message = OrderedMessage(
      envelope: try EnvelopeView(envelope.serializedBytes()), configSequence: 0, isConfig: isConfig)
    precondition(message.size == size)
    return message
  }

  private func names(_ batches: [[OrderedMessage]]) -> [[UInt8]] {
    batches.map { $0.compactMap(\.envelope.data.first) }
  }

  private func limits(_ count: Int, _ bytes: Int) -> BatchLimits {
    BatchLimits(maxMessageCount: count, preferredMaxBytes: bytes)
  }

  @Test("A batch is cut with the message that makes it full by count, in the order of arrival")
  func byCount() throws {
    var cutter = BlockCutter()
    var cut: [[[UInt8]]] = []
    for name in 1...7 as ClosedRange<UInt8> {
      let batches = cutter.ordered(try message(name, size: 40), limits: limits(3, 1000))
      cut.append(names(batches))
    }
    #expect(cut == [[], [], [[1, 2, 3]], [], [], [[4, 5, 6]], []])
    #expect(names([cutter.pending]) == [[7]])
  }

  @Test("Where a block holds one message, each is cut at once")
  func oneByOne() throws {
    var cutter = BlockCutter()
    for name in 1...3 as ClosedRange<UInt8> {
      let batches = cutter.ordered(try message(name, size: 40), limits: limits(1, 1000))
      #expect(names(batches) == [[name]])
      #expect(cutter.pending.isEmpty)
    }
  }

  @Test(
    "Messages that reach the preferred size exactly share a batch, and the next one is left out")
  func byBytes() throws {
    var cutter = BlockCutter()
    for name in 1...3 as ClosedRange<UInt8> {
      let batches = cutter.ordered(try message(name, size: 40), limits: limits(10, 120))
      #expect(batches.isEmpty)
    }
    let batches = cutter.ordered(try message(4, size: 40), limits: limits(10, 120))
    #expect(names(batches) == [[1, 2, 3]])
    #expect(names([cutter.pending]) == [[4]])
  }

  @Test("A message counts with its payload and its signature, and with nothing else")
  func size() throws {
    var cutter = BlockCutter()
    _ = cutter.ordered(try message(1, size: 100, signature: 60), limits: limits(10, 200))
    let fits = cutter.ordered(try message(2, size: 100, signature: 1), limits: limits(10, 200))
    #expect(fits.isEmpty)
    let more = cutter.ordered(try message(3, size: 30), limits: limits(10, 200))
    #expect(names(more) == [[1, 2]])
  }

  @Test("A message above the preferred size goes alone, behind what was pending")
  func oversized() throws {
    var cutter = BlockCutter()
    let first = cutter.ordered(try message(1, size: 101), limits: limits(10, 100))
    #expect(names(first) == [[1]])
    #expect(cutter.pending.isEmpty)
    _ = cutter.ordered(try message(2, size: 40), limits: limits(10, 100))
    let second = cutter.ordered(try message(3, size: 101), limits: limits(10, 100))
    #expect(names(second) == [[2], [3]])
    #expect(cutter.pending.isEmpty)
    // At the preferred size itself it is like any other.
    let third = cutter.ordered(try message(4, size: 100), limits: limits(10, 100))
    #expect(third.isEmpty)
  }

  @Test("A message that overflows the batch and fills the next one cuts both")
  func overflowAndCount() throws {
    var cutter = BlockCutter()
    _ = cutter.ordered(try message(1, size: 60), limits: limits(2, 100))
    let batches = cutter.ordered(try message(2, size: 60), limits: limits(1, 100))
    #expect(names(batches) == [[1], [2]])
    #expect(cutter.pending.isEmpty)
  }

  @Test("The bytes of a batch that was cut do not count towards the next")
  func bytesStartAnew() throws {
    var cutter = BlockCutter()
    _ = cutter.ordered(try message(1, size: 90), limits: limits(10, 100))
    let first = cutter.cut()
    #expect(names([first ?? []]) == [[1]])
    let batches = cutter.ordered(try message(2, size: 90), limits: limits(10, 100))
    #expect(batches.isEmpty)
    let second = cutter.cut()
    #expect(names([second ?? []]) == [[2]])
    let nothing = cutter.cut()
    #expect(nothing?.isEmpty == nil)
  }

  @Test("Limits that a configuration lowers hold from the next message on")
  func lowerLimits() throws {
    var cutter = BlockCutter()
    for name in 1...3 as ClosedRange<UInt8> {
      _ = cutter.ordered(try message(name, size: 40), limits: limits(10, 1000))
    }
    let batches = cutter.ordered(try message(4, size: 40), limits: limits(2, 1000))
    #expect(names(batches) == [[1, 2, 3, 4]])
  }

  @Test("Whether a message carries a configuration is the chain's affair, not the cutter's")
  func config() throws {
    // A chain cuts what is pending, and writes the config message by itself.
    var cutter = BlockCutter()
    _ = cutter.ordered(try message(1, size: 40), limits: limits(10, 1000))
    let pending = cutter.cut()
    #expect(names([pending ?? []]) == [[1]])
    let batches = cutter.ordered(
      try message(2, size: 40, isConfig: true), limits: limits(1, 1000))
    #expect(names(batches) == [[2]])
  }

  @Test(
    "Any sequence comes out whole and in order, in batches that keep the limits, two at most at once"
  )
  func anySequence() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let limits = limits(Int.random(in: 1...6, using: &random), 100)
      let sizes = (0..<60).map { _ in Int.random(in: 40...130, using: &random) }
      var cutter = BlockCutter()
      var batches: [[OrderedMessage]] = []
      for (index, size) in sizes.enumerated() {
        let cut = cutter.ordered(try message(UInt8(index), size: size), limits: limits)
        #expect(cut.count <= 2)
        batches += cut
      }
      if let rest = cutter.cut() { batches.append(rest) }
      #expect(names(batches).flatMap(\.self) == sizes.indices.map { UInt8($0) }, "\(sizes)")
      for batch in batches {
        #expect(!batch.isEmpty && batch.count <= limits.maxMessageCount, "\(sizes)")
        let bytes = batch.reduce(0) { $0 + $1.size }
        #expect(bytes <= limits.preferredMaxBytes || batch.count == 1, "\(sizes)")
      }
    }
  }
}
