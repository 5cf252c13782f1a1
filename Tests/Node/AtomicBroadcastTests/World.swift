// A node without its network: registrar, solo chains and a ledger, driven through fake streams.

import BlockLedger
import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing
import Metrics
import Multichannel
import Ordering
import ReplicationFixtures
import SoloConsensus
import TestSupport

import struct NIOCore.ByteBuffer

@testable import AtomicBroadcast

/// Files that the tests share.
enum Fixture {
  static let directory = Repository.fixtures.path

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(path)")))
  }
}

/// A client with a certificate.
struct Client {
  let creator: [UInt8]
  let key: ECDSAPrivateKey

  init(_ mspID: String, _ organization: String, _ user: String) throws {
    let folder = "crypto/\(organization)/users/\(user)"
    var identity = Msp_SerializedIdentity()
    identity.mspid = mspID
    identity.idBytes = Data(try Fixture.bytes("\(folder)/cert.pem"))
    creator = try identity.serializedBytes()
    key = try ECDSAPrivateKey(
      pem: String(decoding: try Fixture.bytes("\(folder)/key.pem"), as: UTF8.self))
  }

  static func ordererAdmin() throws -> Client { try Client("OrdererMSP", "orderer.test", "admin") }
  static func member() throws -> Client { try Client("Org1MSP", "org1.test", "user1") }

  func envelope(
    _ type: Common_HeaderType = .endorserTransaction, channel: String = World.systemChannel,
    data: [UInt8] = [1], time: Date? = Date(), tlsHash: [UInt8] = []
  ) throws -> [UInt8] {
    var header = Common_ChannelHeader()
    header.type = Int32(type.rawValue)
    header.channelID = channel
    header.tlsCertHash = Data(tlsHash)
    if let time { header.timestamp.seconds = Int64(time.timeIntervalSince1970) }
    var signatureHeader = Common_SignatureHeader()
    signatureHeader.creator = Data(creator)
    signatureHeader.nonce = Data((0..<24).map { _ in UInt8.random(in: 0...255) })
    var payload = Common_Payload()
    payload.header.channelHeader = try header.serializedData()
    payload.header.signatureHeader = try signatureHeader.serializedData()
    payload.data = Data(data)
    let bytes: [UInt8] = try payload.serializedBytes()
    var envelope = Common_Envelope()
    envelope.payload = Data(bytes)
    envelope.signature = Data(try key.sign([bytes[...]]))
    return try envelope.serializedBytes()
  }

  func seek(
    _ start: Orderer_SeekPosition.OneOf_Type?, _ stop: Orderer_SeekPosition.OneOf_Type?,
    channel: String = World.systemChannel, time: Date? = Date(), tlsHash: [UInt8] = [],
    change: (inout Orderer_SeekInfo) -> Void = { _ in }
  ) throws -> [UInt8] {
    var info = Orderer_SeekInfo()
    info.start.type = start
    info.stop.type = stop
    change(&info)
    return try envelope(
      .deliverSeekInfo, channel: channel, data: info.serializedBytes(), time: time,
      tlsHash: tlsHash)
  }
}

extension Orderer_SeekPosition.OneOf_Type {
  static var oldest: Self { .oldest(Orderer_SeekOldest()) }
  static var newest: Self { .newest(Orderer_SeekNewest()) }
  static var nextCommit: Self { .nextCommit(Orderer_SeekNextCommit()) }
  static func number(_ number: UInt64) -> Self {
    .specified(.with { $0.number = number })
  }
}

/// A stream whose client is the test.
final class FakeStream: ClientStream {
  let remoteAddress = "test:1"
  let tlsCertificateHash: [UInt8]?
  private let incoming: AsyncStream<[[UInt8]]>
  private let feed: AsyncStream<[[UInt8]]>.Continuation
  private let sent = Watched<[ByteBuffer]>([])

  init(tlsCertificateHash: [UInt8]? = nil) {
    self.tlsCertificateHash = tlsCertificateHash
    (incoming, feed) = AsyncStream.makeStream()
  }

  func push(_ messages: [[UInt8]]) { feed.yield(messages) }
  func finish() { feed.finish() }

  func nextMessages() async throws -> [[UInt8]]? {
    var iterator = incoming.makeAsyncIterator()
    return await iterator.next()
  }

  func send(_ messages: [ByteBuffer]) async throws { sent.change { $0 += messages } }

  /// Returns once the client has received this many messages.
  func waitForMessages(_ count: Int) async { await sent.wait { $0.count >= count ? () : nil } }

  var statuses: [Common_Status] {
    get throws {
      try sent.read { $0 }.map {
        try Orderer_BroadcastResponse(serializedBytes: Array($0.readableBytesView)).status
      }
    }
  }

  /// Delivered block numbers, then the status if there is one yet.
  var delivered: (numbers: [UInt64], status: Common_Status?) {
    get throws {
      var numbers: [UInt64] = []
      var status: Common_Status?
      for buffer in sent.read({ $0 }) {
        let response = try Orderer_DeliverResponse(serializedBytes: Array(buffer.readableBytesView))
        switch response.type {
        case .block(let block): numbers.append(block.header.number)
        case .status(let value): status = value
        case nil: break
        }
      }
      return (numbers, status)
    }
  }

  var blocks: [Common_Block] {
    get throws {
      try sent.read { $0 }.compactMap {
        let response = try Orderer_DeliverResponse(serializedBytes: Array($0.readableBytesView))
        return if case .block(let block) = response.type { block } else { nil }
      }
    }
  }
}

/// A node with the fixture system channel.
struct World {
  static let systemChannel = "syschannel"
  /// More than the batch time-out of the fixture channels.
  static let batchTimeout = Duration.seconds(60)

  let registrar: Registrar
  /// The chains' clock: a batch is cut when it is full, or when the test lets time pass.
  let chainTime = ManualTime()
  let broadcast: BroadcastHandler
  let deliver: DeliverHandler

  /// - Parameters:
  ///   - consenter: Solo if nil, whose batches wait for ``chainTime``.
  ///   - time: What Deliver waits by.
  init(
    requiresBinding: Bool = false, now: @escaping @Sendable () -> Date = { Date() },
    time: ManualTime = ManualTime(), consenter: (any Consenter)? = nil,
    ledgers: any LedgerFactory = RAMLedgerFactory(historySize: 1_000),
    metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) async throws {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let local = try LocalMSP(
      directory: "\(Fixture.directory)/crypto/orderer.test/nodes/node1/msp", mspID: "OrdererMSP",
      keyStoreDirectory: nil, now: Date())
    registrar = Registrar(
      ledgers: ledgers, signer: local.signer,
      consenters: ["solo": consenter ?? SoloConsenter(time: chainTime, logger: logger)],
      blocks: try PretendedOrderers().puller(),
      environment: ProcessingEnvironment(logger: logger, now: { Date() }), time: ManualTime(),
      logger: logger)
    try await registrar.bootstrap(
      Block(serialized: Fixture.bytes("blocks/system-solo-v20.block")))
    try await registrar.initialize()
    broadcast = BroadcastHandler(registrar: registrar, metrics: metrics, logger: logger)
    deliver = DeliverHandler(
      registrar: registrar,
      options: DeliverHandler.Options(
        timeWindow: .seconds(900), requiresBinding: requiresBinding, checksExpiration: true),
      clock: DeliverClock(now: now, time: time), metrics: metrics, logger: logger)
  }

  var system: Channel {
    get throws {
      guard case .channel(let channel) = registrar.lookUp(Self.systemChannel) else {
        throw RegistrarError("no system channel")
      }
      return channel
    }
  }

  /// The statuses of messages that arrive together on a stream of their own.
  func send(_ messages: [[UInt8]]) async throws -> [Common_Status] {
    let stream = FakeStream()
    stream.push(messages)
    stream.finish()
    try await broadcast.handle(stream)
    return try stream.statuses
  }

  /// What one Deliver request is answered with.
  func request(
    _ request: [UInt8], tlsHash: [UInt8]? = nil
  ) async throws -> (numbers: [UInt64], status: Common_Status?) {
    let stream = FakeStream(tlsCertificateHash: tlsHash)
    stream.push([request])
    stream.finish()
    try await deliver.handle(stream)
    return try stream.delivered
  }

  /// Adds blocks by sending a message for each and waiting for its block.
  func grow(to height: UInt64) async throws {
    let tip = try system.tip
    while tip.height < height {
      let before = tip.height
      _ = try await send([Client.ordererAdmin().envelope()])
      await chainTime.waitForSleepers(1)
      chainTime.advance(by: Self.batchTimeout)
      _ = await tip.wait(beyond: before, heedsErrors: true)
    }
  }
}
