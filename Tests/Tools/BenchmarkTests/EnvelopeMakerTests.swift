// Envelopes are what orderers expect, and are found again in blocks.

import FabricProtos
import Foundation
import TestSupport
import Testing

@testable import Benchmark

struct EnvelopeMakerTests {
  /// A network in a folder of its own, which is not needed afterwards.
  static func network() throws -> BenchmarkNetwork {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) {
      try BenchmarkNetwork(folder: folder.path, now: Date())
    }
  }

  @Test("An envelope is a signed endorser transaction of the size that was asked for")
  func envelope() throws {
    let client = try Self.network().client
    let maker = try EnvelopeMaker(
      channel: "benchmark-1", client: client, size: 2_048, run: 7, seconds: 1_700_000_000)
    let bytes = try maker.envelope(3)
    #expect(abs(bytes.count - 2_048) <= 6)
    let envelope = try Common_Envelope(serializedBytes: bytes)
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    let channelHeader = try Common_ChannelHeader(serializedBytes: payload.header.channelHeader)
    #expect(channelHeader.channelID == "benchmark-1" && channelHeader.type == 3)
    let signatureHeader = try Common_SignatureHeader(
      serializedBytes: payload.header.signatureHeader)
    #expect(Array(signatureHeader.creator) == client.creator)
    #expect(signatureHeader.nonce.count == 24)
    let identity = try Msp_SerializedIdentity(serializedBytes: client.creator)
    #expect(identity.mspid == "Org1MSP")
    #expect(try Common_Envelope(serializedBytes: maker.envelope(3)).payload != envelope.payload)
  }

  @Test("The tag of each envelope is found in a block", arguments: [1, 300, 2_048, 70_000])
  func tags(size: Int) throws {
    let maker = try EnvelopeMaker(
      channel: "c", client: Self.network().client, size: size, run: .max, seconds: 1)
    let block = Block(
      header: BlockHeader(number: 300, previousHash: [1], dataHash: [2]),
      data: try [5, 300, 1_000_000].map { try maker.envelope($0) } + [[1, 2, 3], []],
      metadata: [[], [1]])
    let response = Self.response(block)
    #expect(
      try DeliverAnswer(response, tag: maker.tag)
        == .block(number: 300, transactions: 5, tagged: [5, 300, 1_000_000]))
    let other = EnvelopeTag(run: 1, offset: maker.tag.offset)
    #expect(
      try DeliverAnswer(response, tag: other) == .block(number: 300, transactions: 5, tagged: []))
  }

  @Test("A response that is cut off or garbled never crashes the reader", arguments: 0..<8)
  func damage(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let maker = try EnvelopeMaker(
      channel: "c", client: Self.network().client, size: 1_500, run: 1, seconds: 1)
    let block = Block(
      header: BlockHeader(number: 1, previousHash: [1], dataHash: [2]),
      data: try (0..<3).map { try maker.envelope($0) }, metadata: [])
    let whole = Self.response(block)
    for _ in 0..<500 {
      var bytes = Array(whole.prefix(Int.random(in: 0...whole.count, using: &random)))
      for _ in 0..<Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      _ = try? DeliverAnswer(bytes, tag: maker.tag)
      _ = BroadcastAnswer.read(bytes)
    }
  }

  @Test("Statuses are read")
  func statuses() throws {
    #expect(try DeliverAnswer([0x08, 0xC8, 0x01]) == .status(200))
    #expect(try DeliverAnswer([0x08, 0x94, 0x03]) == .status(404))
    #expect(BroadcastAnswer.read([0x08, 0xC8, 0x01]) == (200, ""))
    var refusal = Orderer_BroadcastResponse()
    refusal.status = .forbidden
    refusal.info = "no"
    #expect(BroadcastAnswer.read(try refusal.serializedBytes()) == (403, "no"))
  }

  @Test("Every envelope is in the share of one stream, and streams take channels in turn")
  func shares() {
    let shares = EnvelopeStock.shares(count: 10, streams: 4, channels: 3)
    #expect(shares.flatMap { Array($0.numbers) } == Array(0..<10))
    #expect(shares.map(\.channel) == [0, 1, 2, 0])
    #expect(EnvelopeStock.shares(count: 2, streams: 4, channels: 1).count == 4)
  }

  @Test("A stock has each envelope at its number, for the channel of its stream")
  func stock() async throws {
    let client = try Self.network().client
    let makers = try ["a", "b"].map {
      try EnvelopeMaker(channel: $0, client: client, size: 1_200, run: 1, seconds: 1)
    }
    let stock = try await EnvelopeStock.sign(count: 1_101, streams: 3, makers: makers)
    #expect(stock.envelopes.count == 1_101)
    for share in stock.shares {
      for number in share.numbers {
        let bytes = Array(stock.envelopes[number].readableBytesView)
        #expect(makers[share.channel].tag.number(in: bytes, 0..<bytes.count) == number)
      }
    }
  }

  /// A DeliverResponse with a block.
  private static func response(_ block: Block) -> [UInt8] {
    let bytes = block.serialized()
    var response: [UInt8] = [0x12]
    Varint.append(UInt64(bytes.count), to: &response)
    return response + bytes
  }
}
