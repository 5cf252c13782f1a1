// Whose keys may have a verification table: those of accepted identities, and nobody else's.

import FabricCrypto
import Testing

@testable import Membership

@Suite struct MemberTablesTests {
  let tables = KeyTables(keys: 2, runs: { $0() })
  let manager: MSPManager
  let message = Array("message".utf8)

  init() throws {
    manager = try MSPManager(
      msps: [Fixtures.msp("org1.test", "Org1MSP"), Fixtures.msp("org3.test", "Org3MSP")],
      keyTables: tables)
  }

  /// Verifies enough for a table, with a signature that is valid.
  private func use(_ identity: Identity, _ organization: String, _ user: String) throws {
    let signature = try Fixtures.key(organization, user).sign(message[...])
    for _ in 0..<KeyTables.usesForTable {
      #expect(identity.verify(message: message[...], signature: signature[...]))
    }
    #expect(!identity.verify(message: message[1...], signature: signature[...]))
  }

  @Test func `an accepted identity that signs often gets a table`() throws {
    let serialized = try Fixtures.identity("org1.test", "user1", "Org1MSP")
    let identity = try manager.validIdentity(serialized: serialized[...])
    try use(identity, "org1.test", "user1")
    #expect(identity.hasTable)
    #expect(tables.count == 1)
    // It hangs on the identity that the manager keeps.
    #expect(try manager.validIdentity(serialized: serialized[...]).hasTable)
    try use(identity, "org1.test", "user1")
    #expect(tables.count == 1)
  }

  @Test func `identities that are refused, or were not asked about, do not`() throws {
    let revoked = try Fixtures.identity("org3.test", "user1", "Org3MSP")
    #expect(throws: MembershipError.self) {
      try manager.validIdentity(serialized: revoked[...])
    }
    let member = try Fixtures.identity("org1.test", "user1", "Org1MSP")
    for (serialized, organization) in [(revoked, "org3.test"), (member, "org1.test")] {
      let identity = try manager.identity(serialized: serialized[...])
      try use(identity, organization, "user1")
      try use(identity, organization, "user1")
      #expect(!identity.hasTable)
    }
    #expect(tables.count == 0)
  }

  @Test func `without tables identities verify all the same`() throws {
    let plain = try MSPManager(msps: [Fixtures.msp("org1.test", "Org1MSP")], keyTables: nil)
    let serialized = try Fixtures.identity("org1.test", "user1", "Org1MSP")
    let identity = try plain.validIdentity(serialized: serialized[...])
    try use(identity, "org1.test", "user1")
    try use(identity, "org1.test", "user1")
    #expect(!identity.hasTable)
  }
}
