// A channel as a config block, and updates of it.

import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import ProcessingFixtures

@testable import UpdateChecks

struct CheckedChannel {
  let bundle: ConfigBundle
  private let block: Block

  /// A Raft channel with nodes of the test network as its consenters.
  init(_ nodes: [Int], channelID: String = "raftchannel") throws {
    var config = try Fixtures.genesisConfig("app-raft-v20")
    try config.channelGroup.setConsenters(nodes)
    try self.init(config, channelID: channelID)
  }

  /// A channel of another type.
  init(type: String, state: Orderer_ConsensusType.State, number: UInt64 = 0) throws {
    var config = try Fixtures.genesisConfig("app-raft-v20")
    let metadata = type == "etcdraft" ? try Self.metadata([1]) : Data()
    try config.channelGroup.editConsensus {
      $0.type = type
      $0.state = state
      $0.metadata = metadata
    }
    try self.init(config, number: number)
  }

  init(_ config: Common_Config, channelID: String = "raftchannel", number: UInt64 = 0) throws {
    bundle = try ConfigBundle(channelID: channelID, config: config)
    let header = Messages.channelHeader(channelID, .config)
    let content = Common_ConfigEnvelope.with { $0.config = config }
    let payload = try Messages.payload(
      header.serializedBytes(), [], content.serializedBytes())
    let message = try Messages.envelope(payload: payload, signature: [])
    block = Block(
      header: BlockHeader(
        number: number, previousHash: [], dataHash: SHA256Digest.hash(message)),
      data: [message], metadata: [[UInt8]](repeating: [], count: 5))
  }

  func update(
    by signers: [TestIdentity], submitter: TestIdentity? = nil,
    _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws -> EnvelopeView {
    try Messages.update(
      bundle.channelID, try ConfigDelta.update(bundle, edit), by: signers,
      submitter: try submitter ?? .ordererAdmin())
  }

  func report(
    _ file: UpdateFile, running: String? = nil, down: [String] = [], now: Date = testTime
  ) throws -> UpdateReport {
    try UpdateCheck(file, on: block, running: running, down: down, now: now).run()
  }

  func report(
    by signers: [TestIdentity], submitter: TestIdentity? = nil, running: String? = nil,
    down: [String] = [], now: Date = testTime, _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws -> UpdateReport {
    try report(
      UpdateFile(update(by: signers, submitter: submitter, edit).bytes), running: running,
      down: down, now: now)
  }

  static func metadata(_ nodes: [Int]) throws -> Data {
    var config = Etcdraft_ConfigMetadata()
    config.options.tickInterval = "500ms"
    config.options.electionTick = 10
    config.options.heartbeatTick = 1
    config.options.maxInflightBlocks = 5
    for node in nodes {
      let certificate = Data(
        try Fixtures.bytes("crypto/orderer.test/nodes/node\(node)/tls/server.crt"))
      config.consenters.append(
        Etcdraft_Consenter.with {
          $0.host = "127.0.0.1"
          $0.port = UInt32(7000 + node)
          $0.clientTlsCert = certificate
          $0.serverTlsCert = certificate
        })
    }
    return try config.serializedData()
  }
}

extension Common_ConfigGroup {
  mutating func setConsenters(_ nodes: [Int]) throws {
    let metadata = try CheckedChannel.metadata(nodes)
    try editConsensus {
      $0.type = "etcdraft"
      $0.metadata = metadata
    }
  }
}
