// Signature policies with the real identities of the fixtures.

import FabricProtos
import Foundation
import Membership
import TestSupport
import Testing

@testable import Policies

@Suite("A signature policy")
struct SignaturePolicyTests {
  let manager: MSPManager
  let message: [UInt8] = Array("message".utf8)

  init() throws { manager = try Fixtures.mspManager() }

  func policy(_ rule: String) throws -> any Policy {
    try CompiledPolicy(
      signature: try SignaturePolicyParser.parse(rule), mspManager: manager)
  }

  @Test("is satisfied by a valid signature of whom it asks for")
  func acceptsSignature() throws {
    let policy = try policy("OR('Org1MSP.admin', 'Org1MSP.client')")
    try policy.evaluate([try Fixtures.user(1, "admin").signed(message)])
    try policy.evaluate([try Fixtures.user(1, "user1").signed(message)])
  }

  @Test("refuses somebody else, a bad signature, a revoked identity, and nobody")
  func refusesOthers() throws {
    let policy = try policy("OR('Org1MSP.client', 'Org3MSP.member')")
    let org1User = try Fixtures.user(1, "user1")
    let signatures: [[SignedData]] = [
      [try Fixtures.user(2, "user1").signed(message)],
      [try Fixtures.user(1, "peer0").signed(message)],
      [try org1User.badlySigned(message)],
      [try Fixtures.user(3, "user1").signed(message)],
      [SignedData(data: [message[...]], identity: [1, 2, 3][...], signature: [][...])],
      [SignedData(data: [message[...]], identity: [][...], signature: [][...])],
      [],
    ]
    for signature in signatures {
      let error = PolicyError.thrown { () throws(PolicyError) in try policy.evaluate(signature) }
      #expect(error?.description == "signature set did not satisfy policy")
      #expect(error?.kind == .notSatisfied)
    }
    let details = PolicyError.thrown { () throws(PolicyError) in
      try policy.evaluate([signatures[2][0], signatures[3][0]])
    }?.details
    #expect(details?.count == 2)
    #expect(details?.contains { $0.contains("Org1MSP") && $0.contains("invalid") } == true)
  }

  @Test("covers the concatenation of all parts of what was signed")
  func joinsParts() throws {
    let user = try Fixtures.user(1, "user1")
    var signed = try user.signed(message)
    signed.data = [message[..<3], message[3...]]
    try policy("OR('Org1MSP.client')").evaluate([signed])
    signed.data = [message[3...], message[..<3]]
    let policy = try policy("OR('Org1MSP.client')")
    #expect(throws: PolicyError.self) { try policy.evaluate([signed]) }
  }

  @Test("counts several signatures of one identity once")
  func deduplicates() throws {
    let user1 = try Fixtures.user(1, "user1")
    let policy = try policy("AND('Org1MSP.client', 'Org1MSP.client')")
    let same = [try user1.signed(message), try user1.signed(message)]
    #expect(throws: PolicyError.self) { try policy.evaluate(same) }
    try policy.evaluate([same[0], try Fixtures.user(1, "user2").signed(message)])
  }

  @Test("takes the first valid signature of an identity, whatever stands before it")
  func skipsInvalidDuplicates() throws {
    let user1 = try Fixtures.user(1, "user1")
    let signatures = [
      try user1.badlySigned(message), try user1.signed(message), try user1.signed(message),
    ]
    try policy("OR('Org1MSP.client')").evaluate(signatures)
    var signers = try SignerSet(signatures, mspManager: manager)
    let identities = signers.validIdentities()
    #expect(identities.count == 1)
    let counting = [signers.counts(0), signers.counts(1), signers.counts(2)]
    #expect(counting == [false, true, false])
    #expect(signers.signers[2].validity == .unknown, "there was no need to verify it")
  }

  @Test("uses a signer up for at most one of its rules")
  func usesSignerOnce() throws {
    let admin = try Fixtures.user(1, "admin").signed(message)
    let client = try Fixtures.user(1, "user1").signed(message)
    let policy = try policy("AND('Org1MSP.member', 'Org1MSP.admin')")
    #expect(throws: PolicyError.self) { try policy.evaluate([admin]) }
    try policy.evaluate([client, admin])
    // Evaluation is greedy, as in Fabric: the admin is used up as a member, and the client is none.
    #expect(throws: PolicyError.self) { try policy.evaluate([admin, client]) }
  }

  @Test("does not verify signatures of those it does not ask for")
  func verifiesOnlyWhatItNeeds() throws {
    let signatures = [
      try Fixtures.user(2, "user1").signed(message), try Fixtures.user(1, "user1").signed(message),
      try Fixtures.user(1, "user2").signed(message),
    ]
    var signers = try SignerSet(signatures, mspManager: manager)
    try policy("OR('Org1MSP.client')").evaluate(&signers)
    #expect(signers.signers.map(\.validity) == [.unknown, .valid, .unknown])
  }

  @Test("of no rules is satisfied if none is needed")
  func handlesEmptyGates() throws {
    try CompiledPolicy(signature: PolicyTemplate.acceptAll, mspManager: manager).evaluate([])
    let reject = try CompiledPolicy(signature: PolicyTemplate.rejectAll, mspManager: manager)
    #expect(throws: PolicyError.self) { try reject.evaluate([]) }
    try policy("OutOf(0, 'Org1MSP.admin')").evaluate([])
    let never = try policy("OutOf(2, 'Org1MSP.admin')")
    let admin = try Fixtures.user(1, "admin").signed(message)
    #expect(throws: PolicyError.self) { try never.evaluate([admin]) }
  }

  @Test("is evaluated over more signers than fit into a machine word")
  func evaluatesManySigners() throws {
    let users = try Fixtures.users()
    let identities = try (0..<200).map { _ in
      try manager.validIdentity(serialized: users[2].serialized[...])
    }
    let member = PolicyTemplate.signedBy(1, of: .member, in: ["Org1MSP"]).identities[0]
    var envelope = Common_SignaturePolicyEnvelope()
    envelope.identities = [member]
    for (needed, satisfied) in [(200, true), (201, false)] {
      let rules = Array(repeating: PolicyTemplate.signedBy(0), count: needed)
      envelope.rule = PolicyTemplate.nOutOf(Int32(needed), rules)
      let policy = try CompiledPolicy(signature: envelope, mspManager: manager)
      #expect(((try? policy.evaluate(identities: identities)) != nil) == satisfied)
    }
  }

  @Test("is not evaluated over an unreasonable number of signatures")
  func boundsSignatures() throws {
    let one = try Fixtures.user(1, "user1").badlySigned(message)
    let policy = try policy("OR('Org1MSP.client')")
    let many = Array(repeating: one, count: SignerSet.maximumSignatures + 1)
    let error = PolicyError.thrown { () throws(PolicyError) in try policy.evaluate(many) }
    #expect(error?.kind == .tooManySignatures)
  }

  @Test("gives the verdicts of Fabric")
  func matchesFabric() throws {
    try Self.replay(recordedEvaluations, manager: manager)
  }

  @Test(
    "gives the verdicts of Fabric in a longer record",
    .enabled(if: ProcessInfo.processInfo.environment["HEDDLE_POLICY_RECORD"] != nil))
  func matchesLongRecord() throws {
    let path = try #require(ProcessInfo.processInfo.environment["HEDDLE_POLICY_RECORD"])
    try Self.replay(try String(contentsOfFile: path, encoding: .utf8), manager: manager)
  }

  @Test("gives the same verdict as if all signatures had been verified before")
  func verifiesLateWithoutEffect() throws {
    var random = SplitMix64(seed: 11)
    let users = try Fixtures.users()
    let good = try users.map { try $0.signed(message) }
    let bad = try users.map { try $0.badlySigned(message) }
    for line in recordedEvaluations.split(separator: "\n") {
      let parts = line.split(separator: "|", omittingEmptySubsequences: false)
      var envelope = Common_SignaturePolicyEnvelope()
      envelope.identities = try parts[0].split(separator: " ").map {
        try Self.principal($0, users)
      }
      var text = parts[1][...]
      envelope.rule = try Self.rule(&text)
      let policy = try CompiledPolicy(signature: envelope, mspManager: manager)
      for _ in 0..<10 {
        // Few users, so that the same ones sign several times, and every other time badly.
        let signatures = (0..<Int.random(in: 1...7, using: &random)).map { _ in
          let index = Int.random(in: 1...5, using: &random)
          return Bool.random(using: &random) ? good[index] : bad[index]
        }
        var signers = try SignerSet(signatures, mspManager: manager)
        let identities = signers.validIdentities()
        let early = (try? policy.evaluate(identities: identities)) != nil
        let late = (try? policy.evaluate(signatures)) != nil
        #expect(early == late, "\(line)")
      }
    }
  }

  static func replay(_ record: String, manager: MSPManager) throws {
    let users = try Fixtures.users()
    let identities = users.map { try? manager.validIdentity(serialized: $0.serialized[...]) }
    #expect(identities.filter { $0 == nil }.count == 1, "only one of them is revoked")
    for line in record.split(separator: "\n") {
      let parts = line.split(separator: "|", omittingEmptySubsequences: false)
      try #require(parts.count == 4)
      var envelope = Common_SignaturePolicyEnvelope()
      envelope.identities = try parts[0].split(separator: " ").map { try principal($0, users) }
      var text = parts[1][...]
      envelope.rule = try rule(&text)
      let signers = parts[2].split(separator: " ").compactMap { identities[Int($0) ?? 0] }
      let policy = try CompiledPolicy(signature: envelope, mspManager: manager)
      let satisfied = (try? policy.evaluate(identities: signers)) != nil
      #expect(satisfied == (parts[3] == "1"), "\(line)")
    }
  }

  static func principal(_ text: Substring, _ users: [User]) throws -> Common_MSPPrincipal {
    let index = try #require(Int(text.dropFirst()))
    let roles: [Character: Common_MSPRole.MSPRoleType] = [
      "m": .member, "a": .admin, "c": .client, "p": .peer, "o": .orderer,
    ]
    guard let role = try roles[#require(text.first)] else {
      var principal = Common_MSPPrincipal()
      principal.principalClassification = .identity
      principal.principal = Data(users[index].serialized)
      return principal
    }
    return PolicyTemplate.principal(mspID: Fixtures.organizations[index].mspID, role: role)
  }

  static func rule(_ text: inout Substring) throws -> Common_SignaturePolicy {
    let digits = text.prefix { $0 == "-" || $0.isNumber }
    let number = try #require(Int32(digits))
    text = text.dropFirst(digits.count)
    guard text.first == "(" else { return PolicyTemplate.signedBy(number) }
    text = text.dropFirst()
    var rules: [Common_SignaturePolicy] = []
    while text.first != ")" {
      rules.append(try rule(&text))
      if text.first == "," { text = text.dropFirst() }
    }
    text = text.dropFirst()
    return PolicyTemplate.nOutOf(number, rules)
  }
}

@Suite("A malformed signature policy")
struct MalformedSignaturePolicyTests {
  func refusal(_ envelope: Common_SignaturePolicyEnvelope) throws -> PolicyError? {
    let manager = try Fixtures.mspManager()
    return PolicyError.thrown { () throws(PolicyError) in
      _ = try CompiledPolicy(signature: envelope, mspManager: manager)
    }
  }

  @Test("is refused when it is compiled")
  func refusesMalformed() throws {
    var version = PolicyTemplate.acceptAll
    version.version = 1
    #expect(try refusal(version)?.description.contains("version was 1") == true)

    #expect(
      try refusal(Common_SignaturePolicyEnvelope())?.description == "Empty policy element")

    var untyped = Common_SignaturePolicyEnvelope()
    untyped.rule = Common_SignaturePolicy()
    #expect(try refusal(untyped)?.description.hasPrefix("Unknown type") == true)

    for index in [-1, 1, Int32.max, Int32.min] {
      var outOfRange = PolicyTemplate.signedBy(1, of: .member, in: ["Org1MSP"])
      outOfRange.rule = PolicyTemplate.nOutOf(1, [PolicyTemplate.signedBy(index)])
      #expect(try refusal(outOfRange)?.description.contains("out of range") == true)
    }
  }

  @Test("nested or spread beyond all measure is refused")
  func boundsSize() throws {
    var deep = PolicyTemplate.acceptAll
    for _ in 0..<1_000 { deep.rule = PolicyTemplate.nOutOf(1, [deep.rule]) }
    #expect(try refusal(deep)?.kind == .malformed)

    var wide = PolicyTemplate.acceptAll
    wide.rule = PolicyTemplate.nOutOf(1, Array(repeating: deep.rule.nOutOf.rules[0], count: 1))
    let leaf = PolicyTemplate.nOutOf(0, [])
    wide.rule = PolicyTemplate.nOutOf(1, Array(repeating: leaf, count: 70_000))
    #expect(try refusal(wide)?.description.contains("rules") == true)
  }
}
