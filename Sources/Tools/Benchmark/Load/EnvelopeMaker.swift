// Envelopes as clients of a peer's network send them, signed before the clock starts.

import FabricCrypto
import FabricProtos
import Foundation
import Membership
import NIOCore

/// Makes the endorser transactions of one channel.
package struct EnvelopeMaker: Sendable {
  package let tag: EnvelopeTag
  private let client: ClientIdentity
  private let channel: String
  private let seconds: Int64
  private let filling: [UInt8]

  /// - Parameters:
  ///   - size: Of a whole envelope in bytes, within two, which is what signatures differ by. What header and signature
  ///     leave of it is filled with random bytes.
  ///   - run: See ``EnvelopeTag``.
  ///   - seconds: Since 1970.
  package init(channel: String, client: ClientIdentity, size: Int, run: UInt64, seconds: Int64)
    throws
  {
    self.client = client
    self.channel = channel
    self.seconds = seconds
    let bare = try Self.payload(
      client: client, channel: channel, seconds: seconds, data: [])
    let signature = 73
    // The smallest data is the tag alone.
    let count = max(EnvelopeTag.size, size - bare.count - signature - 9)
    filling = randomBytes(count - EnvelopeTag.size)
    let payload = try Self.payload(
      client: client, channel: channel, seconds: seconds,
      data: [UInt8](repeating: 0, count: count))
    tag = EnvelopeTag(
      run: run, offset: 1 + Varint.size(UInt64(payload.count)) + payload.count - count)
  }

  /// An envelope under its number.
  package func envelope(_ number: Int) throws -> [UInt8] {
    let payload = try Self.payload(
      client: client, channel: channel, seconds: seconds,
      data: EnvelopeTag.bytes(run: tag.run, number: number) + filling)
    let signature = try client.sign([payload[...]])
    var bytes: [UInt8] = []
    bytes.reserveCapacity(payload.count + signature.count + 12)
    Self.append(1, payload, to: &bytes)
    Self.append(2, signature, to: &bytes)
    return bytes
  }

  /// A Payload with a new nonce; its length depends on that of the data alone, which is its end.
  private static func payload(
    client: ClientIdentity, channel: String, seconds: Int64, data: [UInt8]
  ) throws -> [UInt8] {
    let nonce = Nonce.random()
    var channelHeader = Common_ChannelHeader()
    channelHeader.type = Int32(Common_HeaderType.endorserTransaction.rawValue)
    channelHeader.timestamp.seconds = seconds
    channelHeader.channelID = channel
    channelHeader.txID = hexadecimal(SHA256Digest.hash([nonce[...], client.creator[...]]))
    var signatureHeader: [UInt8] = []
    append(1, client.creator, to: &signatureHeader)
    append(2, nonce, to: &signatureHeader)
    var header: [UInt8] = []
    append(1, try channelHeader.serializedBytes(), to: &header)
    append(2, signatureHeader, to: &header)
    var payload: [UInt8] = []
    payload.reserveCapacity(header.count + data.count + 12)
    append(1, header, to: &payload)
    append(2, data, to: &payload)
    return payload
  }

  private static func append(_ field: UInt8, _ content: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(field << 3 | 2)
    Varint.append(UInt64(content.count), to: &bytes)
    bytes += content
  }
}

/// Envelopes of several channels under one numbering, each stream's share in one piece.
package struct EnvelopeStock: Sendable {
  /// Envelopes that are held at a time, in bytes.
  package static let maximumBytes = 1 << 30

  /// The part of one stream.
  package struct Share: Sendable, Equatable {
    package let channel: Int
    package let numbers: Range<Int>
  }

  package let envelopes: [ByteBuffer]
  package let shares: [Share]

  /// The shares of streams that take channels in turn.
  package static func shares(count: Int, streams: Int, channels: Int) -> [Share] {
    (0..<streams).map { stream in
      Share(
        channel: stream % channels,
        numbers: (count * stream / streams)..<(count * (stream + 1) / streams))
    }
  }

  /// Signs envelopes on all cores.
  ///
  /// - Parameters:
  ///   - makers: One for each channel.
  ///   - progress: Called now and then with how many are done.
  package static func sign(
    count: Int, streams: Int, makers: [EnvelopeMaker],
    progress: @Sendable (Int) -> Void = { _ in }
  ) async throws -> EnvelopeStock {
    let shares = shares(count: count, streams: streams, channels: makers.count)
    // Pieces of a size that lets all cores end at about the same time.
    let piece = 500
    var pieces: [(maker: EnvelopeMaker, numbers: Range<Int>)] = []
    for share in shares {
      for start in stride(from: share.numbers.lowerBound, to: share.numbers.upperBound, by: piece) {
        let end = min(start + piece, share.numbers.upperBound)
        pieces.append((makers[share.channel], start..<end))
      }
    }
    var envelopes = [ByteBuffer](repeating: ByteBuffer(), count: count)
    var done = 0
    try await withThrowingTaskGroup(of: (Int, [ByteBuffer]).self) { group in
      var next = pieces.makeIterator()
      func add() {
        guard let (maker, numbers) = next.next() else { return }
        group.addTask {
          try Task.checkCancellation()
          return (
            numbers.lowerBound, try numbers.map { ByteBuffer(bytes: try maker.envelope($0)) }
          )
        }
      }
      for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { add() }
      while let (start, made) = try await group.next() {
        envelopes.replaceSubrange(start..<(start + made.count), with: made)
        done += made.count
        progress(done)
        add()
      }
    }
    return EnvelopeStock(envelopes: envelopes, shares: shares)
  }
}
