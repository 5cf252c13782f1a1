// Other orderers, in memory, with all their faults.

import Concurrency
import FabricProtos
import Foundation
import Logging
import ProcessingFixtures
import Replication

/// Orderers by their addresses. All have the same chain unless told otherwise. As with mutual TLS, they answer only
/// requests that name the certificate of their connection; each connection has another one.
package final class PretendedOrderers: DeliverSource {
  /// How an orderer behaves.
  package enum Manner: Sendable {
    case good
    /// It cannot be reached.
    case gone
    /// It answers every request with this.
    case status(Common_Status)
    /// It takes requests, and never answers.
    case silent
    /// It ends a stream of blocks after so many.
    case stingy(Int)
    /// It sends blocks as this makes of them.
    case lying(@Sendable (Block) -> Block)
  }

  private struct State: Sendable {
    var chain: [Block] = []
    var chains: [String: [Block]] = [:]
    var refusals: [String: Common_Status] = [:]
    var shorter: [String: Int] = [:]
    var manners: [String: Manner] = [:]
    var asked: [String] = []
    var open = 0
  }

  private let state = Watched(State())

  package init(_ chain: [Block] = []) { set(chain) }

  /// What all have, whatever the channel.
  package func set(_ chain: [Block]) { state.change { $0.chain = chain } }
  /// What all have of one channel.
  package func set(_ chain: [Block], of channelID: String) {
    state.change { state in
      state.chains[channelID] = chain
      state.refusals[channelID] = nil
    }
  }
  /// All answer so to whoever asks for a channel.
  package func refuse(_ channelID: String, _ status: Common_Status) {
    state.change { $0.refusals[channelID] = status }
  }
  package func set(_ address: String, _ manner: Manner) {
    state.change { $0.manners[address] = manner }
  }
  /// This one has only so many blocks.
  package func shorten(_ address: String, to height: Int) {
    state.change { $0.shorter[address] = height }
  }
  /// Addresses that were connected to, one for each time.
  package var asked: [String] { state.read { $0.asked } }
  /// Connections that are open.
  package var openConnections: Int { state.read { $0.open } }

  /// A puller of blocks from these.
  package func puller(
    time: any TimeSource = ManualTime(), settings: ReplicationSettings = .patient,
    isPatient: Bool = false
  ) throws -> BlockPuller {
    BlockPuller(
      network: self,
      requests: SeekRequests(
        signer: try TestIdentity.ordererNode(), now: { testTime }),
      settings: settings, isPatient: isPatient, time: time,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  package func connect(to endpoint: OrdererEndpoint) async throws -> any DeliverConnection {
    let number = try state.change { state in
      state.asked.append(endpoint.address)
      if case .gone = state.manners[endpoint.address] { throw Gone() }
      state.open += 1
      return state.asked.count
    }
    return Connection(orderers: self, address: endpoint.address, number: number)
  }

  struct Gone: Error, CustomStringConvertible { var description: String { "connection refused" } }
  struct OtherCertificate: Error {}

  private final class Connection: DeliverConnection {
    let orderers: PretendedOrderers
    let address: String
    let tlsCertificateHash: [UInt8]
    let isOpen = Watched(true)

    init(orderers: PretendedOrderers, address: String, number: Int) {
      self.orderers = orderers
      self.address = address
      tlsCertificateHash = Array("certificate \(number)".utf8)
    }

    func deliver(_ request: [UInt8]) async throws -> any DeliverStream {
      let envelope = try EnvelopeView(request)
      guard envelope.tlsCertificateHash.elementsEqual(tlsCertificateHash) else {
        throw OtherCertificate()
      }
      let seek = try Orderer_SeekInfo(serializedBytes: Array(envelope.data))
      return Stream(connection: self, channelID: envelope.channelID, seek: seek)
    }

    func close() {
      let wasOpen = isOpen.change { isOpen in
        defer { isOpen = false }
        return isOpen
      }
      if wasOpen { orderers.state.change { $0.open -= 1 } }
    }
  }

  private final class Stream: DeliverStream {
    let connection: Connection
    let channelID: String
    let first: UInt64?
    let isOnlyOne: Bool
    let sent = Watched(0)

    init(connection: Connection, channelID: String, seek: Orderer_SeekInfo) {
      self.connection = connection
      self.channelID = channelID
      if case .specified(let position)? = seek.start.type {
        first = position.number
      } else {
        first = nil
      }
      isOnlyOne = seek.stop.specified.number == first
    }

    func cancel() {}

    func next() async throws -> [UInt8]? {
      let sent = sent.change { sent in
        defer { sent += 1 }
        return sent
      }
      let (address, state) = (connection.address, connection.orderers.state)
      let channelID = channelID
      let manner =
        state.read { state in
          state.refusals[channelID].map(Manner.status) ?? state.manners[address]
        } ?? .good
      switch manner {
      case .status(let status):
        return sent == 0
          ? try Orderer_DeliverResponse.with { $0.status = status }.serializedBytes() : nil
      case .silent:
        await untilCancelled()
        throw CancellationError()
      case .stingy(let count) where first != nil && sent >= count: return nil
      case .good, .gone, .stingy, .lying: break
      }
      if isOnlyOne, sent > 0 { return nil }
      let first = first
      let block: Block? = await state.waitUnlessCancelled { state in
        let chain = state.chains[channelID] ?? state.chain
        let height = min(state.shorter[address] ?? .max, chain.count)
        let index = first.map { Int($0) + sent } ?? height - 1 + sent
        return index >= 0 && index < height ? chain[index] : nil
      }
      guard var block else { throw CancellationError() }
      if case .lying(let lie) = manner, first != nil { block = lie(block) }
      return try Orderer_DeliverResponse.with {
        $0.block = try Common_Block(serializedBytes: block.serialized())
      }.serializedBytes()
    }
  }
}

extension ReplicationSettings {
  /// Answers may take longer than any pause, so that a test that moves time ends pauses alone.
  package static let patient = ReplicationSettings(
    bufferBytes: 1 << 20, pullTimeout: .seconds(10_000), retryTimeout: .seconds(5),
    maximumAttempts: 12)
}
