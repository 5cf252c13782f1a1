// What the gate hands over, drops, holds and refuses, however the bytes are cut.

import NIOCore
import TestSupport
import Testing

@testable import GRPCTransport

/// Bytes of a frame.
func frameBytes(
  _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = [], length: Int? = nil
) -> [UInt8] {
  let count = length ?? payload.count
  return [UInt8(count >> 16), UInt8(count >> 8 & 0xff), UInt8(count & 0xff), type, flags]
    + withUnsafeBytes(of: stream.bigEndian, Array.init) + payload
}

let prefaceBytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

@Suite struct FrameGateTests {
  private static let data: UInt8 = 0
  private static let headers: UInt8 = 1
  private static let settings: UInt8 = 4
  private static let ping: UInt8 = 6
  private static let continuation: UInt8 = 9
  private static let unknown: UInt8 = 0x77

  /// The gate and what it lets through.
  private struct Wire {
    var gate: FrameGate
    var allowances: FrameAllowances
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var pieces: [[UInt8]] = []
    var flood: FrameFlood?
    var largestHeld = 0

    init(_ limits: FrameLimits = FrameLimits()) {
      gate = FrameGate(limits: limits)
      allowances = FrameAllowances(limits)
    }

    mutating func send(_ bytes: some Sequence<UInt8>) {
      gate.append(ByteBuffer(bytes: bytes))
      while let step = gate.next(&allowances, at: now) {
        switch step {
        case .pass(let piece): pieces.append(Array(piece.readableBytesView))
        case .refuse(let flood): self.flood = flood
        }
      }
      largestHeld = max(largestHeld, gate.heldBytes)
    }

    var passed: [UInt8] { pieces.flatMap { $0 } }
  }

  /// A wire on which the preface has passed.
  private func open(_ limits: FrameLimits = FrameLimits()) -> Wire {
    var wire = Wire(limits)
    wire.send(prefaceBytes)
    wire.pieces = []
    return wire
  }

  /// Follows what the parser is given.
  private struct Parser {
    /// Bytes of DATA that are to come.
    private var left = 0

    /// Whether the parser has nothing left of `piece`: it ends with a frame, or within DATA.
    mutating func consumes(_ piece: [UInt8]) -> Bool {
      let buffer = ByteBuffer(bytes: piece)
      var index = min(left, piece.count)
      left -= index
      while index < piece.count {
        guard let header = FrameHeader(buffer, at: index) else { return false }
        index += header.frameBytes
        guard index > piece.count else { continue }
        left = index - piece.count
        return header.type == FrameType.data
      }
      return true
    }
  }

  /// Random frames, most of them small.
  private func frames(_ count: Int, _ random: inout SplitMix64) -> (all: [UInt8], kept: [UInt8]) {
    var all: [UInt8] = []
    var kept: [UInt8] = []
    for _ in 0..<count {
      let size = Int.random(
        in: 0...(Int.random(in: 0..<8, using: &random) == 0 ? 16_384 : 40), using: &random)
      let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
      let frame: [UInt8]
      switch Int.random(in: 0..<7, using: &random) {
      case 0: frame = frameBytes(Self.data, stream: 1, payload + [1])
      case 1:
        let padding = UInt8.random(in: 0...255, using: &random)
        let padded = [padding] + payload.prefix(16_000) + [UInt8](repeating: 0, count: Int(padding))
        frame = frameBytes(Self.data, flags: 0x9, stream: 1, padded)
      case 2: frame = frameBytes(Self.headers, flags: 4, stream: 3, payload)
      case 3:
        frame =
          frameBytes(Self.headers, stream: 3, payload)
          + frameBytes(Self.continuation, flags: 4, stream: 3, payload)
      case 4: frame = frameBytes(Self.ping, [UInt8](repeating: 1, count: 8))
      case 5: frame = frameBytes(8, stream: 1, [0, 0, 1, 0])
      default:
        all += frameBytes(Self.unknown, flags: 0xff, stream: 5, payload)
        continue
      }
      all += frame
      kept += frame
    }
    return (all, kept)
  }

  @Test(arguments: 0..<20) func howeverFramesAreCutTheParserIsLeftWithNothing(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var limits = FrameLimits()
    limits.unknown.burst = 1_000
    let largest = [1, 3, 20, 5_000, 100_000][Int(seed % 5)]
    let (all, kept) = frames(largest < 100 ? 30 : 200, &random)
    var wire = open(limits)
    var parser = Parser()
    var rest = all[...]
    var passed: [UInt8] = []
    while !rest.isEmpty {
      let count = min(rest.count, Int.random(in: 1...largest, using: &random))
      wire.send(rest.prefix(count))
      rest = rest.dropFirst(count)
      for piece in wire.pieces {
        guard parser.consumes(piece) else {
          Issue.record("the parser would keep what was read")
          return
        }
        passed += piece
      }
      wire.pieces = []
    }
    #expect(wire.largestHeld < FrameHeader.length + FrameLimits.maximumPayloadBytes)
    #expect(passed == kept)
    #expect(wire.flood == nil)
    #expect(wire.gate.heldBytes == 0)
  }

  @Test func whatEndsWithAFrameIsHandedOverInOnePiece() {
    var wire = open()
    let frames =
      frameBytes(Self.settings) + frameBytes(Self.headers, flags: 4, stream: 1, [1, 2])
      + frameBytes(Self.data, stream: 1, [1, 2, 3])
    wire.send(frames)
    #expect(wire.pieces == [frames])
  }

  @Test func aReadWithinAReadComesBehindIt() {
    var wire = open()
    let frames = (1...3).map { frameBytes(Self.ping, [UInt8](repeating: $0, count: 8)) }
    wire.gate.append(ByteBuffer(bytes: frames[0] + frameBytes(Self.unknown, [1]) + frames[1][..<5]))
    guard case .pass(let first) = wire.gate.next(&wire.allowances, at: wire.now) else {
      Issue.record("nothing was handed over")
      return
    }
    wire.send(frames[1][5...] + frames[2])
    #expect(Array(first.readableBytesView) + wire.passed == frames[0] + frames[1] + frames[2])
  }

  @Test func dataIsHandedOverAsItComes() {
    var wire = open()
    wire.send(frameBytes(Self.data, stream: 1, [7], length: 10_000))
    #expect(wire.passed.count == 10)
    wire.send([UInt8](repeating: 7, count: 5_000))
    #expect(wire.passed.count == 5_010)
    #expect(wire.gate.heldBytes == 0)
  }

  @Test func anUnknownFrameCostsNothingWhateverItAnnounces() {
    var wire = open()
    wire.send(frameBytes(Self.unknown, length: 16_384))
    for _ in 0..<16 { wire.send([UInt8](repeating: 0, count: 1_024)) }
    #expect(wire.largestHeld == 0)
    wire.send(frameBytes(Self.ping, [UInt8](repeating: 0, count: 8)))
    #expect(wire.pieces == [frameBytes(Self.ping, [UInt8](repeating: 0, count: 8))])
  }

  @Test(arguments: [0x2, 0x4, 0x5, 0x6, 0x7, 0x8, 0x77] as [UInt8])
  func nothingMayComeBetweenHeadersAndTheirContinuation(type: UInt8) {
    var wire = open()
    let begun = frameBytes(Self.headers, stream: 1, [1])
    wire.send(begun + frameBytes(type, [UInt8](repeating: 0, count: 8)) + [1, 2, 3])
    // The parser sees the header, and nothing more is looked at.
    #expect(wire.passed == begun + frameBytes(type, length: 8))
    wire.send(frameBytes(Self.ping, [UInt8](repeating: 0, count: 8)))
    #expect(wire.passed.count == begun.count + 9)
  }

  @Test(arguments: [
    frameBytes(0, stream: 1, length: 16_385), frameBytes(0x77, length: 16_385),
    frameBytes(4, length: 1 << 24 - 1), frameBytes(0, stream: 0, length: 1),
    frameBytes(0, flags: 8, stream: 1), frameBytes(0, flags: 8, stream: 1, [4], length: 4),
    frameBytes(9, flags: 4, stream: 1, length: 7),
  ])
  func whatBreaksTheRulesGoesNoFurtherThanItsHeader(header: [UInt8]) {
    for cut in 1...header.count {
      var wire = open()
      wire.send(header[..<cut])
      wire.send(header[cut...] + [UInt8](repeating: 0, count: 50_000))
      #expect(wire.passed == header)
      #expect(wire.gate.heldBytes == 0)
    }
  }

  /// One of each kind that is counted.
  private static let kinds:
    [(String, [UInt8], WritableKeyPath<FrameLimits, FrameRate> & Sendable)] = [
      ("HEADERS", frameBytes(1, flags: 4, stream: 1, [1]), \.headers),
      ("HEADERS", frameBytes(5, flags: 4, stream: 1, [0, 0, 0, 2]), \.headers),
      ("RST_STREAM", frameBytes(3, stream: 1, [0, 0, 0, 8]), \.resets),
      ("PING", frameBytes(6, [UInt8](repeating: 0, count: 8)), \.pings),
      ("PING", frameBytes(6, flags: 1, [UInt8](repeating: 0, count: 8)), \.pings),
      ("WINDOW_UPDATE", frameBytes(8, stream: 1, [0, 0, 0, 1]), \.windowUpdates),
      ("SETTINGS", frameBytes(4, [0, 4, 0, 1, 0, 0]), \.settings),
      ("SETTINGS", frameBytes(4, flags: 1), \.settings),
      ("PRIORITY", frameBytes(2, stream: 1, [0, 0, 0, 0, 1]), \.priorities),
      ("GOAWAY", frameBytes(7, [UInt8](repeating: 0, count: 8)), \.goAways),
      ("empty DATA", frameBytes(0, stream: 1), \.emptyData),
      ("empty DATA", frameBytes(0, flags: 8, stream: 1, [2, 0, 0]), \.emptyData),
      ("unknown", frameBytes(0x77, stream: 1, [1]), \.unknown),
      ("unknown", frameBytes(0xa), \.unknown),
    ]

  @Test(arguments: kinds.indices) func eachKindHasItsRate(kind: Int) {
    let (name, frame, rate) = Self.kinds[kind]
    var limits = FrameLimits()
    limits[keyPath: rate] = FrameRate(burst: 3, perSecond: 2)
    var wire = open(limits)
    for _ in 0..<3 { wire.send(frame) }
    #expect(wire.flood == nil)
    // Half a second makes room for one.
    wire.now = wire.now + .milliseconds(499)
    var early = wire
    early.send(frame)
    #expect(early.flood == FrameFlood(kind: name))
    wire.now = wire.now + .milliseconds(1)
    wire.send(frame)
    #expect(wire.flood == nil)
    let passed = wire.passed
    wire.send(frame + frameBytes(Self.data, stream: 1, [1]))
    #expect(wire.flood == FrameFlood(kind: name))
    #expect(wire.passed == passed)
  }

  @Test func theEndOfAStreamIsNoEmptyFrame() {
    var limits = FrameLimits()
    limits.emptyData = FrameRate(burst: 0, perSecond: 1)
    var wire = open(limits)
    for _ in 0..<100 { wire.send(frameBytes(Self.data, flags: 1, stream: 1)) }
    #expect(wire.flood == nil)
  }

  @Test func manySettingsInOneFrameAreAFlood() {
    var wire = open()
    wire.send(frameBytes(Self.settings, [UInt8](repeating: 0, count: 32 * 6)))
    #expect(wire.flood == nil)
    wire.send(frameBytes(Self.settings, [UInt8](repeating: 0, count: 33 * 6)))
    #expect(wire.flood == FrameFlood(kind: "SETTINGS"))
  }

  @Test func whoTakesDataMayPingAndGrantWindow() {
    var limits = FrameLimits()
    limits.pings = FrameRate(burst: 2, perSecond: 1)
    limits.windowUpdates = FrameRate(burst: 4, perSecond: 1)
    var wire = open(limits)
    for _ in 0..<1_000 {
      wire.allowances.sentData()
      wire.send(frameBytes(Self.ping, [UInt8](repeating: 0, count: 8)))
      for _ in 0..<4 { wire.send(frameBytes(8, stream: 1, [0, 0, 0, 1])) }
    }
    #expect(wire.flood == nil)
    // What was not used is not saved up.
    for _ in 0..<1_000 { wire.allowances.sentData() }
    for _ in 0..<2 { wire.send(frameBytes(Self.ping, [UInt8](repeating: 0, count: 8))) }
    #expect(wire.flood == nil)
    wire.send(frameBytes(Self.ping, [UInt8](repeating: 0, count: 8)))
    #expect(wire.flood == FrameFlood(kind: "PING"))
  }

  @Test(arguments: 0..<50) func randomBytesHoldNoMoreThanOneFrame(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var wire = open()
    for _ in 0..<40 {
      let count = Int.random(in: 1...3_000, using: &random)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Short frames of known types get further.
      if Bool.random(using: &random) {
        for index in stride(from: 0, to: count - 4, by: 9) {
          bytes[index] = 0
          bytes[index + 1] = UInt8.random(in: 0...2, using: &random)
          bytes[index + 3] = UInt8.random(in: 0...10, using: &random)
        }
      }
      wire.send(bytes)
      #expect(wire.gate.heldBytes < 9 + 16_384)
    }
  }
}
