// A channel's chain as other orderers make it, signed by one of them.

import BlockLedger
import Blocks
import ChannelConfig
import FabricCrypto
import FabricProtos
import MessageProcessing
import ProcessingFixtures

/// A chain that tests let grow.
package struct MadeChain: Sendable {
  package let channelID: String
  package private(set) var blocks: [Block]
  /// The configuration in force at each height.
  package private(set) var bundle: ConfigBundle
  private var lastConfig: UInt64 = 0

  /// - Parameters:
  ///   - base: The name of the recorded genesis block that it begins with.
  ///   - addresses: Of the orderers.
  ///   - edit: Changes the configuration in the genesis block.
  package init(
    _ channelID: String = "raftchannel", of base: String = "app-raft-v20",
    orderers addresses: [String] = ["one:1"],
    edit: (inout Common_ConfigGroup) throws -> Void = { _ in }
  ) throws {
    self.channelID = channelID
    let block = try Block(serialized: Fixtures.bytes("blocks/\(base).block")).edited(
      channelID: channelID
    ) {
      try $0.setOrderers(addresses)
      try edit(&$0)
    }
    blocks = [block]
    bundle = try ConfigBundle(configEnvelope: block.data[0])
  }

  package var height: UInt64 { UInt64(blocks.count) }

  /// Adds blocks of one message each.
  package mutating func grow(by count: Int = 1, bytes: Int = 10) throws {
    for _ in 0..<count {
      let message = try Messages.envelope(
        payload: [UInt8](repeating: UInt8(truncatingIfNeeded: blocks.count), count: bytes),
        signature: [])
      try append([message])
    }
  }

  /// Adds a config block.
  package mutating func configure(
    _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws {
    let channel = TestChannel(bundle, signer: try TestIdentity.ordererNode())
    let update = try channel.update(by: [try TestIdentity.ordererAdmin()], edit)
    let (envelope, _) = try StandardChannelProcessor(channel, environment: .test())
      .processConfigUpdate(update)
    bundle = try ConfigBundle(configEnvelope: envelope)
    lastConfig = height
    try append([envelope])
  }

  /// Adds a config block that sets how many messages a block may hold, by which tests tell configurations apart.
  package mutating func configure(maxMessageCount: UInt32) throws {
    try configure { try $0.editBatchSize { $0.maxMessageCount = maxMessageCount } }
  }

  /// Adds a block that creates a channel, if this is a system channel.
  package mutating func create(_ channel: MadeChain) throws {
    let message = try Messages.message(
      channelID, TestIdentity.ordererNode(), channel.blocks[0].data[0], type: .ordererTransaction)
    try append([message])
  }

  private mutating func append(_ data: [[UInt8]]) throws {
    let last = blocks[blocks.count - 1].header
    var assembler = BlockAssembler(at: ChainEnd(after: last))
    blocks.append(try Self.seal(assembler.assemble(data), lastConfig: lastConfig))
  }

  package static func seal(
    _ block: AssembledBlock, lastConfig: UInt64,
    by identity: TestIdentity? = nil
  ) throws -> Block {
    let seal = try BlockSeal(lastConfig: lastConfig, consenterMetadata: [])
    let signature = try seal.sign(
      block, by: try identity ?? TestIdentity.ordererNode(), as: .identity(nonce: [1, 2, 3]))
    return try seal.attach([signature], to: block, isForFabric1: false).block
  }
}

extension Common_ConfigGroup {
  /// Has the orderer organization list these addresses.
  package mutating func setOrderers(_ addresses: [String]) throws {
    var orderer = self[group: "Orderer"]
    for name in orderer.groups.keys {
      try orderer[group: name].edit("Endpoints", as: Common_OrdererAddresses.self) {
        $0.addresses = addresses
      }
    }
    self[group: "Orderer"] = orderer
  }
}
