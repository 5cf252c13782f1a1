// Messages that change or create channels, for the tests of this target.

import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import Membership
import Ordering
import SwiftProtobuf

@testable import Multichannel

enum CreationFixture {
  /// The channel that the recorded transaction creates.
  static var channelID: String {
    (try? EnvelopeView(transaction()).channelID) ?? ""
  }

  private static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(RegistrarTests.fixtures)/\(path)")))
  }

  /// A channel-creation transaction for the fixture system channel.
  static func transaction() throws -> [UInt8] {
    try bytes("recorded/go25-v20.creation.tx")
  }

  /// The genesis block of the channel that ``transaction()`` creates, or of one that differs in name.
  static func genesisBlock(named channelID: String = channelID) throws -> Block {
    var config = Common_ConfigEnvelope()
    config.config = try Common_Config(serializedBytes: bytes("recorded/go25-v20.config"))
    config.lastUpdate = try Common_Envelope(serializedBytes: transaction())
    let envelope = try Self.envelope(
      .config, channelID: channelID, data: config.deterministicBytes())
    return Block(
      header: BlockHeader(
        number: 0, previousHash: [], dataHash: SHA256Digest.hash(envelope)),
      data: [envelope], metadata: [[UInt8]](repeating: [], count: 5))
  }

  static func envelope(
    _ type: Common_HeaderType, channelID: String, data: [UInt8]
  ) throws -> [UInt8] {
    let header = try Common_ChannelHeader.with {
      $0.type = Int32(type.rawValue)
      $0.channelID = channelID
    }.serializedData()
    var payload = Common_Payload()
    payload.header.channelHeader = header
    payload.data = Data(data)
    let bytes: Data = try payload.serializedData()
    return try Common_Envelope.with { $0.payload = bytes }.serializedBytes()
  }

  /// A CONFIG message, as another node may have made it, that adds a capability to the channel group.
  static func capabilityUpdate(
    of bundle: ConfigBundle, adding name: String
  ) throws -> OrderedMessage {
    var next = bundle.config
    guard var value = next.channelGroup.values["Capabilities"] else {
      throw RegistrarError("no capabilities")
    }
    var capabilities = try Common_Capabilities(serializedBytes: value.value)
    capabilities.capabilities[name] = Common_Capability()
    value.value = try capabilities.serializedData()
    next.channelGroup.values["Capabilities"] = value
    let update = try ConfigUpdateBuilder.compute(
      channelID: bundle.channelID, original: bundle.config, updated: next
    ).deterministicBytes()

    let folder = "crypto/orderer.test/users/admin"
    let key = try ECDSAPrivateKey(pem: bytes("\(folder)/key.pem"))
    let header = try Common_SignatureHeader.with {
      $0.creator = Data(
        SerializedIdentity.serialize(
          mspID: "OrdererMSP", certificatePEM: try bytes("\(folder)/cert.pem")))
    }
    let headerBytes: [UInt8] = try header.serializedBytes()
    let signature = try key.sign([headerBytes[...], update[...]])
    var signed = Common_ConfigUpdateEnvelope()
    signed.configUpdate = Data(update)
    signed.signatures = [
      .with {
        $0.signatureHeader = Data(headerBytes)
        $0.signature = Data(signature)
      }
    ]
    let envelope = try envelope(
      .configUpdate, channelID: bundle.channelID, data: signed.serializedBytes())
    let config = try bundle.proposeConfigUpdate(envelope: envelope).deterministicBytes()
    return OrderedMessage(
      envelope: try EnvelopeView(
        Self.envelope(.config, channelID: bundle.channelID, data: config)),
      configSequence: bundle.sequence, isConfig: true)
  }
}
