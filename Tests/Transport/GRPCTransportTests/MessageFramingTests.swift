// Length-prefixed messages: splitting, joining, and what breaks a stream.

import NIOCore
import Testing

@testable import GRPCTransport

@Suite struct MessageFramingTests {
  private func frame(_ messages: [[UInt8]]) -> [UInt8] {
    let framed = payloads(messages.map { ByteBuffer(bytes: $0) })
    return framed.payloads.flatMap { Array($0.readableBytesView) }
  }

  private func payloads(_ messages: [ByteBuffer]) -> (payloads: [ByteBuffer], bytes: Int) {
    MessageFramer.payloads(
      for: messages.map { PrefixedMessage(body: $0) }, allocator: ByteBufferAllocator())
  }

  @Test func messagesSplitAtAnyByteComeOutWhole() throws {
    let messages: [[UInt8]] = [[], [1, 2, 3], Array(0..<40), [], [9]]
    let bytes = frame(messages)
    for split in 0...bytes.count {
      var deframer = MessageDeframer(maximumMessageBytes: 100)
      var received: [[UInt8]] = []
      try deframer.append(ByteBuffer(bytes: bytes[..<split]), to: &received)
      try deframer.append(ByteBuffer(bytes: bytes[split...]), to: &received)
      #expect(received == messages)
      #expect(deframer.pendingBytes == 0)
    }
  }

  @Test func messagesSplitIntoSingleBytesComeOutWhole() throws {
    let messages: [[UInt8]] = [Array(0..<20), [], [7]]
    var deframer = MessageDeframer(maximumMessageBytes: 20)
    var received: [[UInt8]] = []
    for byte in frame(messages) {
      try deframer.append(ByteBuffer(bytes: [byte]), to: &received)
    }
    #expect(received == messages)
  }

  @Test func pendingBytesCountPrefixAndBody() throws {
    var deframer = MessageDeframer(maximumMessageBytes: 100)
    var received: [[UInt8]] = []
    try deframer.append(ByteBuffer(bytes: [0, 0, 0]), to: &received)
    #expect(deframer.pendingBytes == 3)
    try deframer.append(ByteBuffer(bytes: [0, 4, 1]), to: &received)
    #expect(deframer.pendingBytes == 6)
    try deframer.append(ByteBuffer(bytes: [2, 3, 4]), to: &received)
    #expect(deframer.pendingBytes == 0)
    #expect(received == [[1, 2, 3, 4]])
  }

  @Test func anOversizeMessageFailsAfterTheOnesBeforeIt() {
    var deframer = MessageDeframer(maximumMessageBytes: 4)
    var received: [[UInt8]] = []
    let expected = GRPCStatus(
      .resourceExhausted, "grpc: received message larger than max (5 vs. 4)")
    #expect(throws: expected) {
      try deframer.append(
        ByteBuffer(bytes: frame([[1, 2, 3, 4], [1, 2, 3, 4, 5]])), to: &received)
    }
    #expect(received == [[1, 2, 3, 4]])
    #expect(deframer.pendingBytes == 0)
  }

  @Test func nothingFollowsAFailure() throws {
    var deframer = MessageDeframer(maximumMessageBytes: 4)
    var received: [[UInt8]] = []
    _ = try? deframer.append(ByteBuffer(bytes: [0, 0xff, 0xff, 0xff, 0xff]), to: &received)
    try deframer.append(ByteBuffer(bytes: frame([[1]])), to: &received)
    #expect(received.isEmpty)
  }

  @Test func flagsOtherThanZeroAreRefused() {
    for (flag, text) in [
      (1, "grpc: compressed flag set with identity or empty encoding"),
      (7, "grpc: received unexpected payload format 7"),
    ] {
      var deframer = MessageDeframer(maximumMessageBytes: 4)
      var received: [[UInt8]] = []
      #expect(throws: GRPCStatus(.internalError, text)) {
        try deframer.append(ByteBuffer(bytes: [UInt8(flag), 0, 0, 0, 0]), to: &received)
      }
    }
  }

  @Test func smallMessagesShareAPayloadAndLargeOnesAreNotCopied() {
    let small = ByteBuffer(repeating: 1, count: 100)
    let large = ByteBuffer(repeating: 2, count: MessageFramer.copyLimit + 1)
    let framed = payloads([small, small, large, small])
    #expect(framed.payloads.map(\.readableBytes) == [215, large.readableBytes, 105])
    #expect(framed.bytes == 320 + large.readableBytes)
    #expect(framed.payloads[1] == large)
  }

  @Test func whereFramesCostMoreThanCopiesMessagesOfMediumSizeShareAPayload() {
    let medium = ByteBuffer(repeating: 1, count: 20_000)
    let large = ByteBuffer(repeating: 2, count: MessageFramer.urgentCopyLimit + 1)
    let messages = [medium, medium, large, medium].map { PrefixedMessage(prefix: [9], body: $0) }
    let framed = MessageFramer.payloads(
      for: messages, allocator: ByteBufferAllocator(), copyLimit: MessageFramer.urgentCopyLimit)
    #expect(
      framed.payloads.map(\.readableBytes) == [2 * 20_006 + 6, large.readableBytes, 20_006])
    #expect(framed.bytes == 3 * 20_006 + large.readableBytes + 6)
  }

  @Test func aPrefixComesBeforeTheBodyOfItsMessage() throws {
    for size in [3, MessageFramer.copyLimit + 1] {
      let body = [UInt8](repeating: 2, count: size)
      let framed = MessageFramer.payloads(
        for: [PrefixedMessage(prefix: [8, 9], body: ByteBuffer(bytes: body))],
        allocator: ByteBufferAllocator())
      var deframer = MessageDeframer(maximumMessageBytes: size + 2)
      var received: [[UInt8]] = []
      for payload in framed.payloads { try deframer.append(payload, to: &received) }
      #expect(received == [[8, 9] + body])
      #expect(framed.bytes == size + 7)
    }
  }

  @Test func manySmallMessagesAreDividedIntoPayloads() throws {
    let messages = (0..<1000).map { [UInt8](repeating: UInt8($0 & 0xff), count: 1024) }
    let framed = payloads(messages.map { ByteBuffer(bytes: $0) })
    #expect(framed.payloads.count > 1)
    var deframer = MessageDeframer(maximumMessageBytes: 1024)
    var received: [[UInt8]] = []
    for payload in framed.payloads { try deframer.append(payload, to: &received) }
    #expect(received == messages)
  }

  @Test func aLargeMessageInManyPiecesComesOutWhole() throws {
    let message = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0) }
    let bytes = frame([message])
    var deframer = MessageDeframer(maximumMessageBytes: message.count)
    var received: [[UInt8]] = []
    for start in stride(from: 0, to: bytes.count, by: 16_384) {
      let end = min(start + 16_384, bytes.count)
      try deframer.append(ByteBuffer(bytes: bytes[start..<end]), to: &received)
    }
    #expect(received == [message])
  }

  @Test(arguments: [70_000, 1_100_000, 40_000_000])
  func anAnnouncementReservesNoMoreThanTwiceWhatHasArrived(length: Int) throws {
    var deframer = MessageDeframer(maximumMessageBytes: length)
    var received: [[UInt8]] = []
    let prefix = [0] + withUnsafeBytes(of: UInt32(length).bigEndian, Array.init)
    try deframer.append(ByteBuffer(bytes: prefix), to: &received)
    #expect(deframer.spareBytes == 0)
    var sent = 0
    while sent < length {
      let count = min(16_384, length - sent)
      try deframer.append(ByteBuffer(repeating: 1, count: count), to: &received)
      sent += count
      guard sent < length else { break }
      // Allocators round up.
      let bound = max(MessageDeframer.firstReservation, 2 * sent) + 8_192
      #expect(deframer.spareBytes + sent <= bound)
      #expect(deframer.pendingBytes == 5 + sent)
    }
    #expect(received.first?.count == length)
    #expect((received.first?.capacity ?? 0) <= length + 8_192)
    #expect(deframer.spareBytes == 0)
  }
}
