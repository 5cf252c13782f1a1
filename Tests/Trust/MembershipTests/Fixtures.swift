// The organizations of Tests/Fixtures, and how tests speak of them.

import FabricCrypto
import FabricProtos
import Foundation
import SwiftProtobuf
import TestSupport

@testable import Membership

enum Fixtures {
  static let root = Repository.fixtures

  static func path(_ name: String) -> String {
    root.appendingPathComponent(name).path
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: root.appendingPathComponent(name)))
  }

  static func msp(
    _ organization: String, _ mspID: String, version: MSPVersion = .v1_4_3
  ) throws -> MSP {
    try MSP(
      config: MSPDirectory.verifyingConfig(
        directory: path("crypto/\(organization)/msp"), mspID: mspID),
      version: version)
  }

  /// A user's serialized identity under any MSP name.
  static func identity(_ organization: String, _ user: String, _ mspID: String) throws -> [UInt8] {
    SerializedIdentity.serialize(
      mspID: mspID, certificatePEM: try bytes("crypto/\(organization)/users/\(user)/cert.pem"))
  }

  static func key(_ organization: String, _ user: String) throws -> ECDSAPrivateKey {
    try ECDSAPrivateKey(pem: bytes("crypto/\(organization)/users/\(user)/key.pem"))
  }
}

extension Common_MSPPrincipal {
  static func role(_ role: Common_MSPRole.MSPRoleType, _ mspID: String) -> Self {
    var content = Common_MSPRole()
    content.mspIdentifier = mspID
    content.role = role
    return make(.role, content)
  }

  static func unit(_ name: String, _ mspID: String, certifiers: [UInt8]) -> Self {
    var content = Common_OrganizationUnit()
    content.mspIdentifier = mspID
    content.organizationalUnitIdentifier = name
    content.certifiersIdentifier = Data(certifiers)
    return make(.organizationUnit, content)
  }

  static func identity(_ serialized: [UInt8]) -> Self {
    var principal = Self()
    principal.principalClassification = .identity
    principal.principal = Data(serialized)
    return principal
  }

  static func anonymity(_ type: Common_MSPIdentityAnonymity.MSPIdentityAnonymityType) -> Self {
    var content = Common_MSPIdentityAnonymity()
    content.anonymityType = type
    return make(.anonymity, content)
  }

  static func combined(_ principals: [Self]) -> Self {
    var content = Common_CombinedPrincipal()
    content.principals = principals
    return make(.combined, content)
  }

  private static func make(
    _ classification: Classification, _ content: some SwiftProtobuf.Message
  ) -> Self {
    var principal = Self()
    principal.principalClassification = classification
    principal.principal = (try? content.serializedData()) ?? Data()
    return principal
  }
}

/// The message that a call fails with, or what it returned.
func failure<T>(_ body: () throws -> T) -> String {
  do {
    return "no failure: \(try body())"
  } catch {
    return "\(error)"
  }
}
