// Configs, users and signed updates shared by the tests of this target.

import FabricCrypto
import FabricProtos
import Foundation
import Membership
import SwiftProtobuf
import TestSupport
import Testing

@testable import ChannelConfig

enum Fixtures {
  static let directory = Repository.fixtures

  static let raft = "app-raft-v20.block"
  static let bft = "app-bft-v30.block"
  static let systemV14 = "system-solo-v14.block"
  static let systemV20 = "system-kafka-v20.block"
  static let blocks = [
    raft, bft, systemV14, systemV20, "system-kafka-v14.block", "system-solo-v20.block",
  ]

  /// The serialized config envelope in a genesis block.
  static func envelope(_ block: String) throws -> [UInt8] {
    let bytes = try Data(contentsOf: directory.appendingPathComponent("blocks/\(block)"))
    return Array(try Common_Block(serializedBytes: bytes).data.data[0])
  }

  static func bundle(_ block: String = raft) throws -> ConfigBundle {
    try ConfigBundle(configEnvelope: try envelope(block))
  }

  static func user(_ name: String) throws -> User {
    let mspIDs = [
      "orderer": "OrdererMSP", "org1": "Org1MSP", "org2": "Org2MSP", "org3": "Org3MSP",
      "org4": "Org4MSP", "org5": "Org5MSP",
    ]
    let parts = name.split(separator: "/")
    let folder = directory.appendingPathComponent("crypto/\(parts[0]).test/users/\(parts[1])")
    return try User(mspID: try #require(mspIDs[String(parts[0])]), folder: folder)
  }

  /// The definition of an organization's MSP.
  static func msp(_ organization: String, as mspID: String) throws -> Msp_MSPConfig {
    try MSPDirectory.verifyingConfig(
      directory: directory.appendingPathComponent("crypto/\(organization).test/msp").path,
      mspID: mspID)
  }
}

/// Someone who can sign.
struct User {
  let serialized: [UInt8]
  let key: ECDSAPrivateKey

  init(mspID: String, folder: URL) throws {
    let certificate = try Data(contentsOf: folder.appendingPathComponent("cert.pem"))
    serialized = SerializedIdentity.serialize(mspID: mspID, certificatePEM: Array(certificate))
    key = try ECDSAPrivateKey(
      pem: Array(try Data(contentsOf: folder.appendingPathComponent("key.pem"))))
  }
}

extension ConfigBundle {
  /// The bundle whose config is this one's after `change`; versions stay as they are.
  func changed(_ change: (inout Common_ConfigGroup) throws -> Void) throws -> ConfigBundle {
    try ConfigBundle(channelID: channelID, config: try changedConfig(change))
  }

  func changedConfig(_ change: (inout Common_ConfigGroup) throws -> Void) throws -> Common_Config {
    var config = self.config
    try change(&config.channelGroup)
    return config
  }

  /// The update that leads to the config after `change`.
  func update(_ change: (inout Common_ConfigGroup) throws -> Void) throws -> Common_ConfigUpdate {
    try ConfigUpdateBuilder.compute(
      channelID: channelID, original: config, updated: try changedConfig(change))
  }

  /// The bundle after an update was proposed and accepted.
  func applying(_ update: Common_ConfigUpdate, by signers: [String]) throws -> ConfigBundle {
    let result = try proposeConfigUpdate(envelope: try update.envelope(signedBy: signers))
    try validate(result)
    let next = try ConfigBundle(channelID: channelID, config: result.config)
    try validateNext(next)
    return next
  }

  /// Why an update is refused, or nil if it is not.
  func refusal(
    _ update: Common_ConfigUpdate, by signers: [String] = allAdmins
  ) throws -> ConfigError? {
    let envelope = try update.envelope(signedBy: signers)
    do throws(ConfigError) {
      _ = try proposeConfigUpdate(envelope: envelope)
      return nil
    } catch { return error }
  }
}

/// Enough signers for everything.
let allAdmins = ["orderer/admin", "org1/admin", "org2/admin", "org3/admin", "org4/admin"]

extension Common_ConfigUpdate {
  func envelope(signedBy signers: [String]) throws -> [UInt8] {
    try signedEnvelope(
      try deterministicBytes(), channelID: channelID,
      users: try signers.map { try Fixtures.user($0) })
  }
}

/// An envelope of type CONFIG_UPDATE around the bytes of an update.
func signedEnvelope(
  _ update: [UInt8], channelID: String, users: [User], type: Common_HeaderType = .configUpdate
) throws -> [UInt8] {
  var message = Common_ConfigUpdateEnvelope()
  message.configUpdate = Data(update)
  for user in users {
    var header = Common_SignatureHeader()
    header.creator = Data(user.serialized)
    header.nonce = Data([1, 2, 3])
    var signature = Common_ConfigSignature()
    signature.signatureHeader = try header.serializedData()
    signature.signature = Data(
      try user.key.sign([Array(signature.signatureHeader)[...], update[...]]))
    message.signatures.append(signature)
  }
  var channelHeader = Common_ChannelHeader()
  channelHeader.type = Int32(type.rawValue)
  channelHeader.channelID = channelID
  var payload = Common_Payload()
  payload.header.channelHeader = try channelHeader.serializedData()
  payload.data = try message.serializedData()
  var envelope = Common_Envelope()
  envelope.payload = try payload.serializedData()
  envelope.signature = Data([9])
  return try envelope.serializedBytes()
}

extension Common_ConfigGroup {
  /// The group at `path` below this one; made if it is missing.
  subscript(_ path: String...) -> Common_ConfigGroup {
    get { path.reduce(self) { $0.groups[$1] ?? Common_ConfigGroup() } }
    set { set(path[...], newValue) }
  }

  private mutating func set(_ path: ArraySlice<String>, _ value: Common_ConfigGroup) {
    guard let first = path.first else {
      self = value
      return
    }
    groups[first, default: Common_ConfigGroup()].set(path.dropFirst(), value)
  }

  /// Puts a message in the place of a value, or adds the value.
  mutating func setValue(_ key: String, _ message: some Message) throws {
    var value = values[key] ?? Common_ConfigValue()
    if value.modPolicy.isEmpty { value.modPolicy = "Admins" }
    value.value = try message.serializedData()
    values[key] = value
  }

  /// Puts a set of capabilities in the place of the present one.
  mutating func setCapabilities(_ names: [String]) throws {
    var capabilities = Common_Capabilities()
    for name in names { capabilities.capabilities[name] = Common_Capability() }
    try setValue("Capabilities", capabilities)
  }
}

extension ConfigError {
  /// Runs `body` and returns the error it must throw.
  static func thrown(by body: () throws -> Void) throws -> ConfigError? {
    do {
      try body()
      return nil
    } catch let error as ConfigError { return error }
  }
}
