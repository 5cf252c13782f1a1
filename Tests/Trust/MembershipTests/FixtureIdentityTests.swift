// The organizations of the fixtures: who is what, and who is refused.

import FabricCrypto
import FabricProtos
import Foundation
import Testing

@testable import Membership

@Suite struct FixtureIdentityTests {
  let manager: MSPManager

  init() throws {
    manager = try MSPManager(msps: [
      Fixtures.msp("orderer.test", "OrdererMSP"), Fixtures.msp("org1.test", "Org1MSP"),
      Fixtures.msp("org2.test", "Org2MSP"), Fixtures.msp("org3.test", "Org3MSP"),
      Fixtures.msp("org4.test", "Org4MSP"), Fixtures.msp("org5.test", "Org5MSP"),
    ])
  }

  @Test(arguments: [
    ("org1.test", "Org1MSP"), ("org2.test", "Org2MSP"), ("org3.test", "Org3MSP"),
    ("org4.test", "Org4MSP"), ("org5.test", "Org5MSP"), ("orderer.test", "OrdererMSP"),
  ])
  func `every user has the role of its organizational unit and no other`(
    organization: String, mspID: String
  ) throws {
    let users = try FileManager.default.contentsOfDirectory(
      atPath: Fixtures.path("crypto/\(organization)/users"))
    #expect(!users.isEmpty)
    for user in users where (organization, user) != ("org3.test", "user1") {
      let serialized = try Fixtures.identity(organization, user, mspID)
      let identity = try manager.validIdentity(serialized: serialized[...])
      let role: Role =
        user == "admin" ? .admin : user.hasPrefix("peer") ? .peer : .client
      #expect(identity.roles == [RoleSet(.member), RoleSet(role)], "\(organization) \(user)")
      #expect(identity.mspID == mspID)
      #expect(identity.serialized == serialized)
      for (wire, expected): (Common_MSPRole.MSPRoleType, Role) in [
        (.member, .member), (.admin, .admin), (.client, .client), (.peer, .peer),
        (.orderer, .orderer),
      ] {
        let isExpected = expected == .member || expected == role
        #expect(manager.satisfies(identity, principal: .role(wire, mspID)) == isExpected)
        #expect(!manager.satisfies(identity, principal: .role(wire, "OtherMSP")))
      }
      let key = try Fixtures.key(organization, user)
      let message = Array("message".utf8)
      let signature = try key.sign(message[...])
      #expect(identity.verify(message: message[...], signature: signature[...]))
      #expect(
        identity.verify(messageParts: [message[..<2], message[2...]], signature: signature[...]))
      #expect(!identity.verify(message: message[1...], signature: signature[...]))
    }
  }

  @Test func `the ordering nodes are orderers`() throws {
    for node in 1...4 {
      let serialized = SerializedIdentity.serialize(
        mspID: "OrdererMSP",
        certificatePEM: try Fixtures.bytes(
          "crypto/orderer.test/nodes/node\(node)/msp/signcerts/cert.pem"))
      let identity = try manager.validIdentity(serialized: serialized[...])
      #expect(identity.roles == [RoleSet(.member), RoleSet(.orderer)])
    }
  }

  @Test func `a revoked user is refused, its colleague is not`() throws {
    let revoked = try Fixtures.identity("org3.test", "user1", "Org3MSP")
    // Twice, since the second refusal comes from the cache.
    for _ in 0..<2 {
      #expect(failure { try manager.validIdentity(serialized: revoked[...]) }.contains("revoked"))
    }
    let colleague = try Fixtures.identity("org3.test", "user2", "Org3MSP")
    _ = try manager.validIdentity(serialized: colleague[...])
  }

  @Test func `an expired user is valid and tells its expiry`() throws {
    // The first of January 2021.
    let expiry = Date(timeIntervalSince1970: 1_609_459_200)
    let serialized = try Fixtures.identity("org1.test", "expired", "Org1MSP")
    let identity = try manager.validIdentity(serialized: serialized[...])
    #expect(identity.expiresAt == expiry)
    let current = try Fixtures.identity("org1.test", "user1", "Org1MSP")
    #expect(
      try #require(try manager.validIdentity(serialized: current[...]).expiresAt) > expiry)
  }

  @Test func `a user of one organization is refused under another's name`() throws {
    let serialized = try Fixtures.identity("org1.test", "user1", "Org2MSP")
    let message = failure { try manager.validIdentity(serialized: serialized[...]) }
    #expect(message.contains("Org2MSP") && message.contains("unknown authority"))
  }

  @Test func `an unknown MSP is told by name`() throws {
    let serialized = try Fixtures.identity("org1.test", "user1", "NobodyMSP")
    #expect(
      throws: MembershipError.unknownMSP("NobodyMSP"),
      performing: { try manager.validIdentity(serialized: serialized[...]) })
  }

  @Test func `a CA's certificate is no identity`() throws {
    for organization in ["org1.test", "org4.test"] {
      let pem = try Fixtures.bytes("crypto/\(organization)/ca/cert.pem")
      let mspID = organization == "org1.test" ? "Org1MSP" : "Org4MSP"
      let serialized = SerializedIdentity.serialize(mspID: mspID, certificatePEM: pem)
      #expect(
        failure { try manager.validIdentity(serialized: serialized[...]) }.contains("CA"))
    }
  }

  @Test func `an identity of another MSP object is judged anew`() throws {
    let serialized = try Fixtures.identity("org1.test", "admin", "Org1MSP")
    let identity = try manager.validIdentity(serialized: serialized[...])
    let twin = try Fixtures.msp("org1.test", "Org1MSP")
    try twin.validate(identity)
    #expect(try twin.satisfies(identity, principal: .role(.admin, "Org1MSP")))
    let stranger = try Fixtures.msp("org2.test", "Org1MSP")
    #expect(throws: MembershipError.self) { try stranger.validate(identity) }
    #expect(try !stranger.satisfies(identity, principal: .role(.member, "Org1MSP")))
  }

  @Test func `mutations of an identity never crash and never pass with other content`() throws {
    let original = try Fixtures.identity("org1.test", "user1", "Org1MSP")
    let certificate = try manager.validIdentity(serialized: original[...]).certificateDER
    var generator = SystemRandomNumberGenerator()
    var accepted = 0
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[index] = original[Int.random(in: 0..<original.count, using: &generator)]
        case 2: bytes.remove(at: index)
        default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
        }
      }
      // Blanks and line ends in PEM do not change a certificate.
      if let identity = try? manager.validIdentity(serialized: bytes[...]) {
        accepted += 1
        #expect(identity.certificateDER == certificate)
      }
    }
    #expect(accepted < 5000)
    #expect(manager.cachedIdentityCount <= MSPManager.cacheCapacity)
  }

  @Test func `mutations of a certificate's DER never crash and never pass`() throws {
    let pem = try Fixtures.bytes("crypto/org4.test/users/user1/cert.pem")
    let original = try #require(PEM.decodeAll(pem).first).der
    let msp = try Fixtures.msp("org4.test", "Org4MSP")
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      var der = original
      let index = Int.random(in: 0..<der.count, using: &generator)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: der[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: der.remove(at: index)
      default: der[index] = UInt8.random(in: 0...255, using: &generator)
      }
      if der == original { continue }
      let pem = PEM.encode(type: "CERTIFICATE", der: der)
      #expect(throws: MembershipError.self) {
        try msp.validate(msp.identity(fromCertificatePEM: pem))
      }
    }
  }
}
