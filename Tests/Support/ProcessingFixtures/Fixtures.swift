// Where the tests' certificates, blocks and recordings are, and how to read them.

import FabricCrypto
import FabricProtos
import Foundation
import Membership
import SwiftProtobuf
import TestSupport

/// Access to the shared test data.
package enum Fixtures {
  package static let directory = Repository.fixtures

  package static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: directory.appendingPathComponent(path)))
  }

  package static func text(_ path: String) throws -> String {
    try String(contentsOf: directory.appendingPathComponent(path), encoding: .utf8)
  }

  /// The config that a genesis block of `blocks/` brings.
  package static func genesisConfig(_ name: String) throws -> Common_Config {
    let block = try Block(serialized: try bytes("blocks/\(name).block"))
    let envelope = try EnvelopeView(block.data[0])
    return try Common_ConfigEnvelope(serializedBytes: Array(envelope.data)).config
  }

  /// The update within a channel creation transaction that configtxgen made.
  package static func creationUpdate(_ name: String) throws -> Common_ConfigUpdate {
    let envelope = try EnvelopeView(try bytes("blocks/\(name).tx"))
    let signed = try Common_ConfigUpdateEnvelope(serializedBytes: Array(envelope.data))
    return try Common_ConfigUpdate(serializedBytes: signed.configUpdate)
  }
}

/// A certificate and its key, used under some MSP id.
package struct TestIdentity: Signer {
  package let mspID: String
  package let certificatePEM: String
  package let key: ECDSAPrivateKey

  package init(_ mspID: String, certificate: String, key: String) throws {
    self.mspID = mspID
    certificatePEM = try Fixtures.text("crypto/\(certificate)")
    self.key = try ECDSAPrivateKey(pem: try Fixtures.text("crypto/\(key)"))
  }

  private init(_ other: TestIdentity, mspID: String) {
    self.mspID = mspID
    certificatePEM = other.certificatePEM
    key = other.key
  }

  /// A user of organization 1 to 5.
  package static func user(_ name: String, org: Int = 1) throws -> TestIdentity {
    let path = "org\(org).test/users/\(name)"
    return try TestIdentity(
      "Org\(org)MSP", certificate: "\(path)/cert.pem", key: "\(path)/key.pem")
  }

  /// The administrator of organization 1 to 5.
  package static func admin(org: Int = 1) throws -> TestIdentity { try user("admin", org: org) }

  package static func ordererAdmin() throws -> TestIdentity {
    let path = "orderer.test/users/admin"
    return try TestIdentity("OrdererMSP", certificate: "\(path)/cert.pem", key: "\(path)/key.pem")
  }

  package static func ordererNode() throws -> TestIdentity {
    let path = "orderer.test/nodes/node1/msp"
    return try TestIdentity(
      "OrdererMSP", certificate: "\(path)/signcerts/cert.pem", key: "\(path)/keystore/priv_sk")
  }

  /// The same key pair claiming membership of another MSP.
  package func claiming(_ mspID: String) -> TestIdentity { TestIdentity(self, mspID: mspID) }

  package var serializedIdentity: [UInt8] {
    var identity = Msp_SerializedIdentity()
    identity.mspid = mspID
    identity.idBytes = Data(certificatePEM.utf8)
    return (try? identity.serializedBytes()) ?? []
  }

  package func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8] { try key.sign(parts) }
}
