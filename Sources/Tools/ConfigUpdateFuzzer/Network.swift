// The channels and the people that the fuzzer begins with.

import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import Membership
import Storage

/// What the fixtures of the tests give: configs to change and keys to sign with.
struct Network: Sendable {
  /// Someone who can sign.
  struct User: Sendable {
    let serialized: [UInt8]
    let key: ECDSAPrivateKey
  }

  let channels: [ConfigBundle]
  let admins: [User]
  let others: [User]

  /// - Parameter fixtures: `Tests/Fixtures` of the repository.
  init(fixtures: String) throws {
    func read(_ path: String) throws -> [UInt8] {
      try BoundedFile.read("\(fixtures)/\(path)", limit: 16 << 20)
    }
    func user(_ organization: String, _ mspID: String, _ name: String) throws -> User {
      let folder = "crypto/\(organization).test/users/\(name)"
      return User(
        serialized: SerializedIdentity.serialize(
          mspID: mspID, certificatePEM: try read("\(folder)/cert.pem")),
        key: try ECDSAPrivateKey(pem: try read("\(folder)/key.pem")))
    }
    channels = try [
      "app-raft-v20", "system-solo-v20", "system-solo-v14", "app-bft-v30", "system-kafka-v14",
    ].map { name in
      let block = try Block(serialized: try read("blocks/\(name).block"))
      return try ConfigBundle(configEnvelope: block.data.first ?? [])
    }
    admins = try [
      user("orderer", "OrdererMSP", "admin"), user("org1", "Org1MSP", "admin"),
      user("org2", "Org2MSP", "admin"), user("org3", "Org3MSP", "admin"),
    ]
    others = try [
      user("org1", "Org1MSP", "user1"), user("org1", "Org2MSP", "user1"),
      user("org5", "Org5MSP", "admin"), user("org1", "Org1MSP", "expired"),
    ]
  }
}
