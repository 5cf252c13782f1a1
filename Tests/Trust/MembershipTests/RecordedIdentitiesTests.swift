// Every row of the table in docs/identities.md, against what Go's nodes answered.

import FabricProtos
import Foundation
import Testing

@testable import Membership

/// Tests/Fixtures/identities/answers.json, whose README tells how it was made.
private struct Recorded: Decodable {
  struct Case: Decodable, CustomTestStringConvertible {
    var group: String
    var roots: [String]
    var intermediates: [String]
    var admins: [String]
    var nodeOUs: Bool
    var identity: String
    var signature: String
    var role: String
    /// By MSP version and release.
    var answers: [String: [String: String]]

    var testDescription: String {
      "\(group): \(identity) under \((intermediates + roots).joined(separator: ", ")), \(signature)"
    }

    var keys: [String] { roots + intermediates + admins + [identity] }
    var isOfP224: Bool { keys.contains { $0.contains("p224") } }
  }

  var message: String
  var certificates: [String: String]
  var signatures: [String: String]
  var cases: [Case]

  static let all: Recorded? = try? JSONDecoder().decode(
    Recorded.self, from: Data(Fixtures.bytes("identities/answers.json")))
}

@Suite struct RecordedIdentitiesTests {
  /// How far an identity gets: the MSP's definition is refused, the identity or its signature is, or
  /// nothing is.
  enum Verdict: Equatable {
    case definitionRefused
    case refused
    case accepted

    init(_ answer: String) {
      switch answer {
      case "setup": self = .definitionRefused
      case "accepted": self = .accepted
      default: self = .refused
      }
    }
  }

  static let versions: [(name: String, version: MSPVersion)] = [
    ("v1_0", .v1_0), ("v1_1", .v1_1), ("v1_3", .v1_3), ("v1_4_3", .v1_4_3), ("v3_0", .v3_0),
  ]

  private func verdict(
    _ item: Recorded.Case, _ recorded: Recorded, _ version: MSPVersion
  ) throws -> Verdict {
    func certificates(_ names: [String]) throws -> [Data] {
      try names.map { Data(try #require(recorded.certificates[$0]).utf8) }
    }
    var definition = TestDefinition(roots: [])
    definition.config.rootCerts = try certificates(item.roots)
    definition.config.intermediateCerts = try certificates(item.intermediates)
    definition.config.admins = try certificates(item.admins)
    if item.nodeOUs { definition = definition.withUnits() }
    guard let manager = try? definition.manager(version) else { return .definitionRefused }
    let serialized = SerializedIdentity.serialize(
      mspID: "TestMSP", certificatePEM: Array(try certificates([item.identity])[0]))
    let encoded = try #require(recorded.signatures[item.signature])
    let signature = try #require(Data(base64Encoded: encoded))
    guard let identity = try? manager.validIdentity(serialized: serialized[...]),
      manager.satisfies(
        identity, principal: .role(item.role == "admin" ? .admin : .member, "TestMSP")),
      identity.verify(
        message: Array(recorded.message.utf8)[...], signature: Array(signature)[...])
    else { return .refused }
    return .accepted
  }

  @Test func `with V3_0 every verdict is that of 3.0 and 3.1`() throws {
    let recorded = try #require(Recorded.all)
    #expect(recorded.cases.count > 80)
    for item in recorded.cases where !item.isOfP224 {
      let answers = try #require(item.answers["v3_0"])
      #expect(answers.keys.sorted() == ["3.0", "3.1"])
      for (release, answer) in answers {
        #expect(
          try verdict(item, recorded, .v3_0) == Verdict(answer),
          "\(item.testDescription), \(release)")
      }
    }
  }

  @Test func `without V3_0 every verdict that releases agree on is theirs`() throws {
    let recorded = try #require(Recorded.all)
    var disputed: Set<String> = []
    for item in recorded.cases where !item.isOfP224 {
      for (name, version) in Self.versions where version < .v3_0 {
        let answers = try #require(item.answers[name]).mapValues { Verdict($0) }
        let verdict = try verdict(item, recorded, version)
        // Where releases differ, a channel must open with what it may already have.
        let isRSAAdmin = item.admins.contains { $0.contains("rsa") }
        let release = isRSAAdmin ? "2.5" : "3.1"
        let expected = answers[release] ?? answers["1.4"]
        #expect(verdict == expected, "\(item.testDescription), MSP version \(name)")
        if Set(answers.values.map { "\($0)" }).count > 1 {
          disputed.insert(
            item.group
              + (isRSAAdmin
                ? ", RSA"
                : item.keys.contains { $0.contains("ed25519") }
                  ? ", Ed25519" : ""))
        }
      }
    }
    #expect(
      disputed == [
        "client, Ed25519", "intermediate, Ed25519", "admin without NodeOUs, RSA",
        "admin with NodeOUs, RSA", "admin without NodeOUs, Ed25519", "admin with NodeOUs, Ed25519",
      ])
  }

  @Test func `keys on P-224, which Go takes, verify nothing here`() throws {
    let recorded = try #require(Recorded.all)
    let items = recorded.cases.filter(\.isOfP224)
    #expect(!items.isEmpty)
    for item in items {
      #expect(
        try verdict(item, recorded, .v3_0) != .accepted, "\(item.testDescription)")
    }
  }
}
