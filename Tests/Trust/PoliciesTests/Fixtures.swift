// Identities, MSPs and blocks shared by the tests of this target.

import FabricCrypto
import FabricProtos
import Foundation
import Membership
import TestSupport

@testable import Policies

enum Fixtures {
  static let directory = Repository.fixtures

  /// The MSPs of the fixtures, in the order that recorded evaluations count them.
  static let organizations: [(mspID: String, folder: String)] = [
    ("OrdererMSP", "orderer.test"), ("Org1MSP", "org1.test"), ("Org2MSP", "org2.test"),
    ("Org3MSP", "org3.test"), ("Org4MSP", "org4.test"),
  ]

  static func mspManager() throws -> MSPManager {
    try MSPManager(
      msps: try organizations.map { mspID, folder in
        let path = directory.appendingPathComponent("crypto/\(folder)/msp").path
        return try MSP(config: try MSPDirectory.verifyingConfig(directory: path, mspID: mspID))
      })
  }

  /// The users of the fixtures, in the order that recorded evaluations count them.
  static func users() throws -> [User] {
    var result: [User] = []
    for (mspID, folder) in organizations {
      for name in ["admin", "user1", "user2", "peer0"] {
        let path = directory.appendingPathComponent("crypto/\(folder)/users/\(name)")
        guard FileManager.default.fileExists(atPath: path.path) else { continue }
        result.append(try User(mspID: mspID, folder: path))
      }
    }
    return result
  }

  static func user(_ organization: Int, _ name: String) throws -> User {
    let (mspID, folder) = organizations[organization]
    return try User(
      mspID: mspID, folder: directory.appendingPathComponent("crypto/\(folder)/users/\(name)"))
  }

  /// The channel group of a genesis block of the fixtures.
  static func channelGroup(_ block: String) throws -> Common_ConfigGroup {
    let bytes = try Data(contentsOf: directory.appendingPathComponent("blocks/\(block)"))
    let block = try Common_Block(serializedBytes: bytes)
    let envelope = try Common_Envelope(serializedBytes: block.data.data[0])
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    return try Common_ConfigEnvelope(serializedBytes: payload.data).config.channelGroup
  }
}

/// Someone who can sign.
struct User {
  let mspID: String
  let serialized: [UInt8]
  let key: ECDSAPrivateKey

  init(mspID: String, folder: URL) throws {
    self.mspID = mspID
    let certificate = try Data(contentsOf: folder.appendingPathComponent("cert.pem"))
    serialized = SerializedIdentity.serialize(mspID: mspID, certificatePEM: Array(certificate))
    key = try ECDSAPrivateKey(
      pem: Array(try Data(contentsOf: folder.appendingPathComponent("key.pem"))))
  }

  func signed(_ message: [UInt8]) throws -> SignedData {
    SignedData(
      data: [message[...]], identity: serialized[...], signature: try key.sign([message[...]])[...])
  }

  func badlySigned(_ message: [UInt8]) throws -> SignedData {
    var result = try signed(message)
    result.signature = try key.sign([[0xFF][...]])[...]
    return result
  }
}

extension PolicyError {
  /// Runs `body` and returns the error it must throw.
  static func thrown(by body: () throws(PolicyError) -> Void) -> PolicyError? {
    do throws(PolicyError) {
      try body()
      return nil
    } catch { return error }
  }
}

extension PolicyTemplate {
  /// A policy that nothing satisfies.
  static var rejectAll: Common_SignaturePolicyEnvelope {
    var envelope = Common_SignaturePolicyEnvelope()
    envelope.rule = nOutOf(1, [])
    return envelope
  }
}

extension SignerSet {
  /// The identities whose signature verifies, without duplicates, in the order of the signatures.
  mutating func validIdentities() -> [Identity] {
    var result: [Identity] = []
    for index in signers.indices where counts(index) { result.append(signers[index].identity) }
    return result
  }
}
