// An application channel in the world of the tests, and updates of its configuration.

import BlockLedger
import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import Membership
import Multichannel
import SwiftProtobuf

@testable import AtomicBroadcast

/// A node that has an application channel of Org1 and Org2 besides its system channel.
struct ApplicationWorld {
  static let channelID = "raftchannel"

  let world: World

  init() async throws {
    let ledgers = RAMLedgerFactory(historySize: 1_000)
    let system = try await ledgers.openOrCreate(World.systemChannel)
    try await system.append(Block(serialized: Fixture.bytes("blocks/system-solo-v20.block")))
    let store = try await ledgers.openOrCreate(Self.channelID)
    try await store.append(Self.genesis())
    world = try await World(ledgers: ledgers)
  }

  /// The fixture channel, ordered by this one node.
  private static func genesis() throws -> Block {
    var block = try Block(serialized: Fixture.bytes("blocks/app-raft-v20.block"))
    var envelope = try Common_Envelope(serializedBytes: block.data[0])
    var payload = try Common_Payload(serializedBytes: envelope.payload)
    var config = try Common_ConfigEnvelope(serializedBytes: payload.data)
    try config.config.channelGroup.change("Orderer") { orderer in
      let consensus = Orderer_ConsensusType.with { $0.type = "solo" }
      orderer.values["ConsensusType"]?.value = try consensus.serializedData()
      // Every message gets a block, so that tests need not wait for time-outs.
      let size = Orderer_BatchSize.with {
        $0.maxMessageCount = 1
        $0.absoluteMaxBytes = 10 << 20
        $0.preferredMaxBytes = 1 << 20
      }
      orderer.values["BatchSize"]?.value = try size.serializedData()
    }
    payload.data = try config.serializedData()
    envelope.payload = try payload.serializedData()
    block.data = [try envelope.serializedBytes()]
    block.header.dataHash = SHA256Digest.hash(block.data[0])
    return block
  }

  var channel: Channel {
    get throws {
      guard case .channel(let channel) = world.registrar.lookUp(Self.channelID) else {
        throw RegistrarError("no application channel")
      }
      return channel
    }
  }

  /// Changes the configuration; returns once the change is in a block.
  func update(_ change: (inout Common_ConfigGroup) throws -> Void) async throws {
    let channel = try channel
    let height = channel.tip.height
    let statuses = try await world.send([updateEnvelope(change)])
    guard statuses == [.success] else {
      throw RegistrarError("the update was refused: \(statuses)")
    }
    _ = await channel.tip.wait(beyond: height, heedsErrors: true)
  }

  /// A CONFIG_UPDATE that both organizations and the orderer's have signed.
  func updateEnvelope(_ change: (inout Common_ConfigGroup) throws -> Void) throws -> [UInt8] {
    let current = try channel.bundle.config
    var next = current
    try change(&next.channelGroup)
    let update = try ConfigUpdateBuilder.compute(
      channelID: Self.channelID, original: current, updated: next)
    let bytes = try update.deterministicBytes()
    var message = Common_ConfigUpdateEnvelope()
    message.configUpdate = Data(bytes)
    let admins = try [
      Client.ordererAdmin(), Client("Org1MSP", "org1.test", "admin"),
      Client("Org2MSP", "org2.test", "admin"),
    ]
    for admin in admins {
      let header = Common_SignatureHeader.with {
        $0.creator = Data(admin.creator)
        $0.nonce = Data([1])
      }
      let headerBytes: [UInt8] = try header.serializedBytes()
      let signature = try admin.key.sign([headerBytes[...], bytes[...]])
      message.signatures.append(
        .with {
          $0.signatureHeader = Data(headerBytes)
          $0.signature = Data(signature)
        })
    }
    return try Client.ordererAdmin().envelope(
      .configUpdate, channel: Self.channelID, data: message.serializedBytes())
  }
}

extension Common_ConfigGroup {
  /// Changes the group of that name below this one.
  mutating func change(_ name: String, _ body: (inout Common_ConfigGroup) throws -> Void) rethrows {
    var child = groups[name] ?? Common_ConfigGroup()
    try body(&child)
    groups[name] = child
  }

  /// Puts an implicit-meta policy in the place of another.
  mutating func setPolicy(
    _ name: String, _ rule: Common_ImplicitMetaPolicy.Rule, _ subPolicy: String
  ) throws {
    let meta = Common_ImplicitMetaPolicy.with {
      $0.rule = rule
      $0.subPolicy = subPolicy
    }
    let content: Data = try meta.serializedData()
    policies[name]?.policy = .with {
      $0.type = Int32(Common_Policy.PolicyType.implicitMeta.rawValue)
      $0.value = content
    }
  }
}
