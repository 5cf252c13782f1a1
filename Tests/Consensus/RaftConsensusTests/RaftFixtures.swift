// What the tests of Raft share: consenters of the test network, their channel, and messages for it.

import ChannelConfig
import FabricProtos
import Foundation
import Ordering
import ProcessingFixtures

@testable import RaftConsensus

/// The consenter on node 1 to 4 of the test network.
func consenter(_ node: Int) throws -> Etcdraft_Consenter {
  var consenter = Etcdraft_Consenter()
  consenter.host = "127.0.0.1"
  consenter.port = UInt32(7000 + node)
  let certificate = Data(try serverCertificate(node))
  consenter.clientTlsCert = certificate
  consenter.serverTlsCert = certificate
  return consenter
}

/// The TLS certificate of node 1 to 4, in PEM.
func serverCertificate(_ node: Int) throws -> [UInt8] {
  try Fixtures.bytes("crypto/orderer.test/nodes/node\(node)/tls/server.crt")
}

/// Consenters and options of a channel.
func raftConfig(
  _ nodes: [Int], _ edit: (inout Etcdraft_ConfigMetadata) throws -> Void = { _ in }
) throws -> Etcdraft_ConfigMetadata {
  var config = Etcdraft_ConfigMetadata()
  config.consenters = try nodes.map(consenter)
  config.options.tickInterval = "500ms"
  config.options.electionTick = 10
  config.options.heartbeatTick = 1
  config.options.maxInflightBlocks = 5
  config.options.snapshotIntervalSize = 16 << 20
  try edit(&config)
  return config
}

/// A channel that Raft orders.
func raftBundle(
  _ metadata: Etcdraft_ConfigMetadata, channelID: String = "raftchannel",
  edit: (inout Common_ConfigGroup) throws -> Void = { _ in }
) throws -> ConfigBundle {
  var config = try Fixtures.genesisConfig("app-raft-v20")
  let bytes = try metadata.serializedData()
  try config.channelGroup.editConsensus {
    $0.type = RaftConfig.type
    $0.metadata = bytes
  }
  try edit(&config.channelGroup)
  return try ConfigBundle(channelID: channelID, config: config)
}

/// A normal message with this data.
func message(_ data: [UInt8], sequence: UInt64 = 0) throws -> OrderedMessage {
  OrderedMessage(
    envelope: try EnvelopeView(
      Messages.message("raftchannel", TestIdentity.user("user1"), data)),
    configSequence: sequence, isConfig: false)
}
