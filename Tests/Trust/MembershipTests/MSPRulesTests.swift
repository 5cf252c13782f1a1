// Roles, units, revocation and principals under the generations of rules.

import FabricCrypto
import FabricProtos
import Foundation
import Testing
import X509

@testable import Membership

@Suite struct MSPRulesTests {
  let root: TestAuthority
  let client: TestAuthority
  let peer: TestAuthority
  let admin: TestAuthority
  let orderer: TestAuthority
  let plain: TestAuthority

  init() throws {
    root = try TestAuthority()
    client = try root.issue(.user("c", units: ["sales", "client"]))
    peer = try root.issue(.user("p", units: ["peer"]))
    admin = try root.issue(.user("a", units: ["admin"]))
    orderer = try root.issue(.user("o", units: ["orderer"]))
    plain = try root.issue(.user("x"))
  }

  private func roles(_ who: TestAuthority, _ manager: MSPManager) -> RoleSet? {
    try? manager.validIdentity(serialized: who.serialized()[...]).roles
  }

  @Test func `since 1.4.3 exactly one of four units makes the role`() throws {
    let manager = try TestDefinition(roots: [root]).withUnits().manager()
    #expect(roles(client, manager) == [RoleSet(.member), RoleSet(.client)])
    #expect(roles(peer, manager) == [RoleSet(.member), RoleSet(.peer)])
    #expect(roles(admin, manager) == [RoleSet(.member), RoleSet(.admin)])
    #expect(roles(orderer, manager) == [RoleSet(.member), RoleSet(.orderer)])
    #expect(roles(plain, manager) == nil)
    let both = try root.issue(.user(units: ["client", "admin"]))
    #expect(
      failure { try manager.validIdentity(serialized: both.serialized()[...]) }.contains(
        "more than one role"))
  }

  @Test func `1.1 and 1.3 know clients and peers only`() throws {
    for version in [MSPVersion.v1_1, .v1_3] {
      let manager = try TestDefinition(roots: [root], admins: [client]).withUnits()
        .manager(version)
      #expect(
        roles(client, manager) == [RoleSet(.member), RoleSet(.client), RoleSet(.admin)])
      #expect(roles(peer, manager) == [RoleSet(.member), RoleSet(.peer)])
      for other in [admin, orderer, plain] { #expect(roles(other, manager) == nil) }
      let identity = try manager.validIdentity(serialized: peer.serialized()[...])
      let msp = try #require(manager.msps["TestMSP"])
      #expect(throws: MembershipError.self) {
        try msp.satisfies(identity, principal: .role(.orderer, "TestMSP"))
      }
    }
    // There an admin has to be a client, and both units have to be defined.
    #expect(
      failure { try TestDefinition(roots: [root], admins: [peer]).withUnits().msp(.v1_3) }
        .contains("admin 1 is invalid"))
    var incomplete = TestDefinition(roots: [root]).withUnits()
    incomplete.config.fabricNodeOus.clearPeerOuIdentifier()
    #expect(failure { try incomplete.msp(.v1_1) }.contains("PEER"))
    _ = try incomplete.msp(.v1_4_3)
  }

  @Test func `1.0 knows no units at all`() throws {
    let manager = try TestDefinition(roots: [root], admins: [admin]).withUnits().manager(.v1_0)
    for someone in [client, peer, orderer, plain] {
      #expect(roles(someone, manager) == RoleSet(.member))
    }
    #expect(roles(admin, manager) == [RoleSet(.member), RoleSet(.admin)])
    let identity = try manager.validIdentity(serialized: client.serialized()[...])
    #expect(!manager.satisfies(identity, principal: .role(.client, "TestMSP")))
    let msp = try #require(manager.msps["TestMSP"])
    #expect(
      failure { try msp.check(identity, satisfies: Principal(.role(.client, "TestMSP"))) }
        .contains("NodeOUs"))
  }

  @Test func `without units admins must be listed`() throws {
    #expect(
      failure { try TestDefinition(roots: [root]).msp() }.contains(
        "administrators must be declared"))
    _ = try TestDefinition(roots: [root]).msp(.v1_3)
    let manager = try TestDefinition(roots: [root], admins: [plain]).manager()
    #expect(roles(plain, manager) == [RoleSet(.member), RoleSet(.admin)])
    #expect(roles(admin, manager) == RoleSet(.member))
    let stranger = try TestAuthority().issue(.user("y"))
    #expect(
      failure { try TestDefinition(roots: [root], admins: [stranger]).msp() }.contains(
        "admin certificate"))
  }

  @Test func `listed admins count beside those of the unit`() throws {
    let manager = try TestDefinition(roots: [root], admins: [client]).withUnits().manager()
    #expect(
      roles(client, manager) == [RoleSet(.member), RoleSet(.client), RoleSet(.admin)])
    #expect(roles(admin, manager) == [RoleSet(.member), RoleSet(.admin)])
    #expect(
      failure { try TestDefinition(roots: [root], admins: [peer]).withUnits().msp() }.contains(
        "admin 1 is invalid"))
  }

  @Test func `a unit may be bound to one CA`() throws {
    let other = try TestAuthority(.authority("other root"))
    let manager = try TestDefinition(roots: [root, other]).withUnits(certifier: root).manager()
    #expect(roles(client, manager) != nil)
    let foreign = try other.issue(.user(units: ["client"]))
    #expect(
      failure { try manager.validIdentity(serialized: foreign.serialized()[...]) }.contains(
        "another CA"))
    let stranger = try TestAuthority(.authority("stranger"))
    #expect(
      failure { try TestDefinition(roots: [root]).withUnits(certifier: stranger).msp() }.contains(
        "neither a root nor an intermediate"))
  }

  @Test func `identities come from the lowest CA of a chain`() throws {
    let intermediate = try root.issue(.authority("intermediate"))
    let manager = try TestDefinition(roots: [root], intermediates: [intermediate])
      .withUnits(certifier: intermediate).manager()
    let user = try intermediate.issue(.user(units: ["client"]))
    #expect(roles(user, manager) == [RoleSet(.member), RoleSet(.client)])
    #expect(
      failure { try manager.validIdentity(serialized: client.serialized()[...]) }.contains(
        "lowest CA"))
    let stranger = try TestAuthority(.authority("stranger")).issue(.authority("i"))
    #expect(
      failure {
        try TestDefinition(roots: [root], intermediates: [stranger]).withUnits().msp()
      }.contains("unknown authority"))
  }

  @Test func `organizational units of a definition are demanded of everybody`() throws {
    var definition = TestDefinition(roots: [root]).withUnits()
    var unit = Msp_FabricOUIdentifier()
    unit.organizationalUnitIdentifier = "sales"
    unit.certificate = Data(root.pem)
    definition.config.organizationalUnitIdentifiers = [unit, unit]
    let manager = try definition.manager()
    #expect(roles(client, manager) != nil)
    #expect(
      failure { try manager.validIdentity(serialized: peer.serialized()[...]) }.contains(
        "is known to the MSP"))
    #expect(
      failure { try manager.validIdentity(serialized: plain.serialized()[...]) }.contains(
        "no organizational unit"))
    definition.config.organizationalUnitIdentifiers[0].certificate = Data(client.pem)
    #expect(failure { try definition.msp() }.contains("organizational unit 'sales'"))
  }

  @Test func `revocation lists count if the CA has signed them`() throws {
    func manager(_ list: [UInt8]) throws -> MSPManager {
      var definition = TestDefinition(roots: [root]).withUnits()
      definition.config.revocationList = [Data(list)]
      return try definition.manager()
    }
    let empty = try manager(root.revocationList([]))
    #expect(roles(client, empty) != nil)
    let listed = try manager(root.revocationList([peer, client]))
    #expect(
      failure { try listed.validIdentity(serialized: client.serialized()[...]) }.contains(
        "revoked"))
    #expect(roles(admin, listed) != nil)
    let forged = try manager(
      root.revocationList([client], signedBy: try TestAuthority()))
    #expect(roles(client, forged) != nil)
    let anonymous = try manager(root.revocationList([], withIdentifier: false))
    #expect(
      failure { try anonymous.validIdentity(serialized: client.serialized()[...]) }.contains(
        "authority key identifier"))
    let other = try manager(TestAuthority(.authority("other")).revocationList([client]))
    #expect(roles(client, other) != nil)
    // DER without PEM will do; garbage will not.
    let der = try #require(PEM.decodeAll(root.revocationList([client])).first).der
    #expect(roles(client, try manager(der)) == nil)
    for garbage in [[], [1, 2], Array(der.dropLast()), der + [0]] as [[UInt8]] {
      #expect(failure { try manager(garbage) }.contains("revocation list 1 of 1"))
    }
  }

  @Test func `a revoked CA spoils the definition`() throws {
    let intermediate = try root.issue(.authority("intermediate"))
    var definition = TestDefinition(roots: [root], intermediates: [intermediate]).withUnits()
    definition.config.revocationList = [Data(try root.revocationList([intermediate]))]
    #expect(failure { try definition.msp() }.contains("revoked"))
  }

  @Test func `principals of every kind are judged`() throws {
    let manager = try TestDefinition(roots: [root]).withUnits().manager()
    let msp = try #require(manager.msps["TestMSP"])
    let identity = try manager.validIdentity(serialized: client.serialized()[...])
    // The identifier of a chain is over the certificates as they are compared, in low-S form.
    let parsed = try ParsedCertificate(der: root.der)
    let certifiers = SHA256Digest.hash(try parsed.withLowS(signedBy: parsed).der)
    #expect(identity.organizationalUnits == ["sales", "client"])
    for (principal, expected) in [
      (.unit("sales", "TestMSP", certifiers: certifiers), true),
      (.unit("sales", "TestMSP", certifiers: []), false),
      (.unit("other", "TestMSP", certifiers: certifiers), false),
      (.unit("sales", "OtherMSP", certifiers: certifiers), false),
      (.identity(client.serialized()), true),
      (.identity(peer.serialized()), false),
      (.identity(client.serialized("OtherMSP")), false),
      (.anonymity(.nominal), true),
      (.anonymity(.anonymous), false),
      (.combined([.role(.client, "TestMSP"), .anonymity(.nominal)]), true),
      (.combined([.role(.client, "TestMSP"), .role(.admin, "TestMSP")]), false),
      (.combined([.combined([.combined([.role(.member, "TestMSP")])])]), true),
    ] as [(Common_MSPPrincipal, Bool)] {
      #expect(try msp.satisfies(identity, principal: principal) == expected, "\(principal)")
      #expect(manager.satisfies(identity, principal: principal) == expected)
    }
  }

  @Test func `principals that make no sense satisfy nobody`() throws {
    let manager = try TestDefinition(roots: [root]).withUnits().manager()
    let msp = try #require(manager.msps["TestMSP"])
    let identity = try manager.validIdentity(serialized: client.serialized()[...])
    var nested = Common_MSPPrincipal.role(.member, "TestMSP")
    for _ in 0..<60 { nested = .combined([nested]) }
    var garbage = Common_MSPPrincipal()
    garbage.principal = Data([0xFF, 0xFF])
    var unknown = Common_MSPPrincipal()
    unknown.principalClassification = .UNRECOGNIZED(77)
    var all: [Common_MSPPrincipal] = [
      nested, garbage, unknown, .combined([]), .role(.UNRECOGNIZED(9), "TestMSP"),
      .anonymity(.UNRECOGNIZED(9)), .identity([0xFF]), .identity([]),
      .combined(Array(repeating: .role(.member, "TestMSP"), count: 5000)),
    ]
    for kind in [Common_MSPPrincipal.Classification.organizationUnit, .anonymity, .combined] {
      var principal = garbage
      principal.principalClassification = kind
      all.append(principal)
    }
    for principal in all {
      #expect(throws: MembershipError.self) { try msp.satisfies(identity, principal: principal) }
      #expect(!manager.satisfies(identity, principal: principal))
    }
  }

  @Test func `combined and anonymity principals came with 1.3`() throws {
    for (version, isKnown) in [(MSPVersion.v1_0, false), (.v1_1, false), (.v1_3, true)] {
      let manager = try TestDefinition(roots: [root]).withUnits().manager(version)
      let identity = try manager.validIdentity(serialized: client.serialized()[...])
      for principal in [
        Common_MSPPrincipal.anonymity(.nominal), .combined([.role(.member, "TestMSP")]),
      ] {
        #expect(manager.satisfies(identity, principal: principal) == isKnown)
      }
    }
  }

  @Test func `definitions that cannot be used say why`() throws {
    var idemix = Msp_MSPConfig()
    idemix.type = 1
    var content = Msp_IdemixMSPConfig()
    content.name = "IdemixOrg"
    idemix.config = try content.serializedData()
    let message = failure { try MSP(config: idemix) }
    #expect(message.contains("idemix") && message.contains("IdemixOrg"))
    var unknown = Msp_MSPConfig()
    unknown.type = 9
    #expect(failure { try MSP(config: unknown) }.contains("type 9"))
    var garbage = Msp_MSPConfig()
    garbage.config = Data([0xFF])
    #expect(failure { try MSP(config: garbage) }.contains("protobuf"))
    #expect(failure { try TestDefinition(roots: []).msp() }.contains("at least one CA"))
    var hashes = TestDefinition(roots: [root]).withUnits()
    hashes.config.cryptoConfig.signatureHashFamily = "SHA3"
    #expect(failure { try hashes.msp() }.contains("SHA3"))
    hashes.config.cryptoConfig.signatureHashFamily = "SHA2"
    hashes.config.cryptoConfig.identityIdentifierHashFunction = "SHA384"
    _ = try hashes.msp()
    hashes.config.cryptoConfig.identityIdentifierHashFunction = "MD5"
    #expect(failure { try hashes.msp() }.contains("MD5"))
    var nameless = TestDefinition(roots: [root]).withUnits()
    nameless.config.name = ""
    #expect(failure { try nameless.manager() }.contains("no name"))
  }
}
