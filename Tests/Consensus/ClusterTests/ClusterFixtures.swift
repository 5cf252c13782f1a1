// Other nodes as tests want them: members with certificates, connections that do what they are told, a chain that
// remembers.

import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import Logging
import NIOCore
import Ordering
import TestSupport
import Testing

@testable import Cluster

/// The TLS certificate of a node of the test network, in PEM.
func certificate(_ node: Int) throws -> [UInt8] {
  try [UInt8](
    Data(
      contentsOf: Repository.crypto.appending(
        path: "orderer.test/nodes/node\(node)/tls/server.crt")))
}

/// The same in DER.
func certificateDER(_ node: Int) throws -> [UInt8] {
  PEM.decodeFirst(try certificate(node)[...])?.block.der ?? []
}

func member(_ id: UInt64, node: Int, port: UInt32 = 7050) throws -> ClusterMember {
  let pem = try certificate(node)
  return ClusterMember(
    id: id, host: "node\(node)", port: port, serverCertificate: pem, clientCertificate: pem)
}

/// A message of a client, as it is handed to the leader.
func message(_ text: String, type: Common_HeaderType = .endorserTransaction) throws -> [UInt8] {
  var channelHeader = Common_ChannelHeader()
  channelHeader.type = Int32(type.rawValue)
  channelHeader.channelID = "alpha"
  var payload = Common_Payload()
  payload.header.channelHeader = try channelHeader.serializedData()
  payload.data = Data(text.utf8)
  var envelope = Common_Envelope()
  envelope.payload = try payload.serializedData()
  return try envelope.serializedBytes()
}

func ordered(_ text: String, sequence: UInt64 = 1) throws -> OrderedMessage {
  OrderedMessage(
    envelope: try EnvelopeView(message(text)), configSequence: sequence, isConfig: false)
}

/// A network in memory.
final class TestConnector: ClusterConnector {
  struct State {
    var dials: [ClusterServer] = []
    var refusal: String?
    /// Dials wait until this is over.
    var holdsDials = false
    var connections: [TestConnection] = []
  }

  let state = Watched(State())

  func connect(
    to server: ClusterServer
  ) async throws(ClusterRefusal) -> any ClusterConnection {
    state.change { $0.dials.append(server) }
    let refusal = await state.wait {
      $0.holdsDials ? nil : $0.refusal.map(Optional.some) ?? .some(nil)
    }
    if let refusal { throw ClusterRefusal(refusal) }
    let connection = TestConnection(server)
    state.change { $0.connections.append(connection) }
    return connection
  }

  var dialCount: Int { state.read { $0.dials.count } }
  var connections: [TestConnection] { state.read { $0.connections } }

  /// The stream of that number on the newest connection, once it is there.
  func stream(_ index: Int = 0, of connection: Int = 0) async -> TestStream {
    let connection = await state.wait {
      $0.connections.count > connection ? $0.connections[connection] : nil
    }
    return await connection.state.wait {
      $0.streams.count > index ? $0.streams[index] : nil
    }
  }
}

final class TestConnection: ClusterConnection {
  struct State {
    var streams: [TestStream] = []
    var end: String?
  }

  let server: ClusterServer
  let state = Watched(State())

  init(_ server: ClusterServer) { self.server = server }

  func openStep() async throws(ClusterRefusal) -> any StepStream {
    let stream = TestStream()
    let end = state.change { state in
      if state.end == nil { state.streams.append(stream) }
      return state.end
    }
    if let end { throw ClusterRefusal(end) }
    return stream
  }

  func ended() async -> String { await state.waitUnlessCancelled { $0.end } ?? "" }
  func close() { end("closed") }
  var isClosed: Bool { state.read { $0.end == "closed" } }

  func end(_ reason: String) {
    let streams = state.change { state in
      state.end = state.end ?? reason
      return state.streams
    }
    for stream in streams { stream.end(reason) }
  }
}

final class TestStream: StepStream {
  struct State {
    var frames: [[UInt8]] = []
    var batches = 0
    var holds = false
    var end: String?
  }

  let state = Watched(State())

  func send(_ requests: [ByteBuffer]) async throws(ClusterRefusal) {
    state.change { $0.batches += 1 }
    let end: String?? = await state.waitUnlessCancelled { state in
      if let end = state.end { return .some(end) }
      guard !state.holds else { return nil }
      state.frames += requests.map { Array($0.readableBytesView) }
      return .some(nil)
    }
    if let end, let reason = end { throw ClusterRefusal(reason) }
    if end == nil { throw ClusterRefusal("cancelled") }
  }

  func ended() async -> String { await state.waitUnlessCancelled { $0.end } ?? "" }
  func cancel() { end("cancelled") }
  func end(_ reason: String) { state.change { $0.end = $0.end ?? reason } }
  var isOver: Bool { state.read { $0.end != nil } }

  /// So many messages, once they have been sent.
  func frames(_ count: Int) async -> [[UInt8]] {
    await state.wait { $0.frames.count >= count ? $0.frames : nil }
  }

  func hold(_ holds: Bool) { state.change { $0.holds = holds } }

  /// Waits until somebody sends.
  func waitForBatch(_ count: Int = 1) async { await state.wait { $0.batches >= count ? () : nil } }
}

/// A chain that remembers what it got.
final class TestChain: ClusterChain {
  enum Event: Equatable {
    case received([UInt8], metadata: [UInt8], from: UInt64)
    case submitted([String], sequences: [UInt64], configs: [Bool], by: UInt64)
    case lostContact(UInt64)
  }

  struct State {
    var events: [Event] = []
    var refusal: String?
    /// Members to which clients' messages may have been lost.
    var lostSubmissions: [UInt64] = []
  }

  let state = Watched(State())
  var lostSubmissions: [UInt64] { state.read { $0.lostSubmissions } }
  var events: [Event] { state.read { $0.events } }

  func waitForEvents(_ count: Int) async -> [Event] {
    await state.wait { $0.events.count >= count ? $0.events : nil }
  }

  private func note(_ event: Event) throws(ClusterRefusal) {
    let refusal = state.change { state in
      state.events.append(event)
      return state.refusal
    }
    if let refusal { throw ClusterRefusal(refusal) }
  }

  func received(
    _ payload: ArraySlice<UInt8>, metadata: ArraySlice<UInt8>, from sender: UInt64
  ) async throws(ClusterRefusal) {
    try note(.received(Array(payload), metadata: Array(metadata), from: sender))
  }

  func submitted(_ messages: [OrderedMessage], by sender: UInt64) async throws(ClusterRefusal) {
    try note(
      .submitted(
        messages.map { String(decoding: $0.envelope.data, as: UTF8.self) },
        sequences: messages.map(\.configSequence), configs: messages.map(\.isConfig), by: sender))
  }

  func lostContact(with member: UInt64) {
    state.change { $0.events.append(.lostContact(member)) }
  }

  func lostSubmissions(to member: UInt64) { state.change { $0.lostSubmissions.append(member) } }

  func start() {}
  func order(_ messages: [OrderedMessage]) async -> OrderOutcomes { .all(.taken) }
  func configure(_ message: OrderedMessage) async -> OrderOutcome { .taken }
  func waitReady() async throws(ChainError) {}
  func halt() async {}
  func ledgerObstructed(_ reason: String?) {}
  var participation: ParticipationStatus {
    ParticipationStatus(relation: .consenter, status: .active)
  }
  func healthProblem() async -> String? { nil }
  var healthComponent: String? { nil }
}

/// A cluster in a network in memory.
struct TestCluster {
  let connector = TestConnector()
  let time = ManualTime()
  let log = TestLog()
  let chain = TestChain()
  let cluster: Cluster

  init(settings: ClusterSettings = ClusterSettings(), now: Int64 = 1_767_225_600) {
    cluster = Cluster(
      settings: settings, connector: connector, time: time, now: { now }, logger: log.logger)
  }

  /// One whose channel alpha has the member 2.
  static func connected(
    settings: ClusterSettings = ClusterSettings(), now: Int64 = 1_767_225_600
  ) throws -> Self {
    let test = Self(settings: settings, now: now)
    try test.connect()
    return test
  }

  /// Gives the channel alpha the member 2.
  func connect() throws { cluster.connect("alpha", to: [try member(2, node: 2)], for: chain) }

  /// Sends a first message to the member 2, and waits until it has been sent.
  @discardableResult func sendFirst() async -> TestStream {
    #expect(send("0"))
    let stream = await connector.stream()
    _ = await stream.frames(1)
    return stream
  }

  func send(_ text: String, to id: UInt64 = 2, channel: String = "alpha") -> Bool {
    cluster.send([ArraySlice(text.utf8)], metadata: [], in: channel, to: id)
  }
}

/// The text of a consensus message that was sent.
func text(_ frame: [UInt8]) throws -> String {
  guard case .consensus(let request) = try StepRequest(frame) else { return "" }
  return String(decoding: request.payload, as: UTF8.self)
}
