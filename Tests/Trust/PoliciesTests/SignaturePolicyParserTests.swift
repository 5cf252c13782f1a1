// The text form of policies against what Fabric's tools make of it.

import FabricProtos
import Foundation
import TestSupport
import Testing

@testable import Policies

@Suite("Text form of policies")
struct SignaturePolicyParserTests {
  @Test("becomes the same bytes as in Fabric", arguments: recordedRules)
  func matchesFabric(rule: String, hex: String) throws {
    let bytes = try SignaturePolicyParser.parse(rule).deterministicBytes()
    #expect(bytes.map { String(format: "%02x", $0) }.joined() == hex)
  }

  @Test("is refused where Fabric refuses it", arguments: refusedRules)
  func refuses(rule: String) {
    #expect(throws: PolicyError.self) { try SignaturePolicyParser.parse(rule) }
  }

  @Test("is what configtxgen wrote into the genesis blocks")
  func matchesConfigtxgen() throws {
    let rules = [
      ("Org1", "Readers", "OR('Org1MSP.admin','Org1MSP.peer','Org1MSP.client')"),
      ("Org1", "Writers", "OR('Org1MSP.admin','Org1MSP.client')"),
      ("Org1", "Admins", "OR('Org1MSP.admin')"),
      ("Org1", "Endorsement", "OR('Org1MSP.peer')"),
      ("Org3", "Readers", "OR('Org3MSP.member')"),
    ]
    let groups = try #require(
      try Fixtures.channelGroup("system-solo-v20.block").groups["Consortiums"]?
        .groups["SampleConsortium"]?.groups)
    for (organization, name, rule) in rules {
      let policy = try #require(groups[organization]?.policies[name]?.policy)
      #expect(policy == PolicyTemplate.policy(try SignaturePolicyParser.parse(rule)))
    }
  }

  @Test("tells which token it does not understand")
  func namesToken() {
    let error = PolicyError.thrown { () throws(PolicyError) in
      _ = try SignaturePolicyParser.parse("OR('A.member', Bmember)")
    }
    #expect(error?.description == "unrecognized token 'Bmember' in policy string")
    #expect(error?.kind == .syntax)
  }

  @Test("may nest as deep as its wire form can be read back, and no deeper")
  func boundsDepth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "OR(", count: depth) + "'A.member'" + String(repeating: ")", count: depth)
    }
    let deepest = try SignaturePolicyParser.parse(nested(SignaturePolicyParser.maximumDepth))
    let bytes = try deepest.deterministicBytes()
    #expect(try Common_SignaturePolicyEnvelope(serializedBytes: bytes) == deepest)
    for depth in [SignaturePolicyParser.maximumDepth + 1, 100_000] {
      #expect(throws: PolicyError.self) { try SignaturePolicyParser.parse(nested(depth)) }
    }
    let parentheses = String(repeating: "(", count: 100_000)
    #expect(throws: PolicyError.self) { try SignaturePolicyParser.parse(parentheses) }
    let long = "OR('" + String(repeating: "A", count: 1 << 20) + ".member')"
    #expect(throws: PolicyError.self) { try SignaturePolicyParser.parse(long) }
  }

  @Test("never crashes, whatever it is")
  func survivesGarbage() {
    var random = SplitMix64(seed: 3)
    let alphabet = Array("ORANDoutOf('\"\\.,) -1290A.member\u{301}é\n")
    for _ in 0..<5_000 {
      let length = Int.random(in: 0..<40, using: &random)
      let text = String((0..<length).map { _ in alphabet.randomElement(using: &random) ?? "(" })
      _ = try? SignaturePolicyParser.parse(text)
      _ = try? ImplicitMetaPolicyParser.parse(text)
    }
  }

  @Test("of implicit-meta policies names a rule and the sub-policies")
  func parsesImplicitMeta() throws {
    #expect(try ImplicitMetaPolicyParser.parse("ANY Readers").rule == .any)
    #expect(try ImplicitMetaPolicyParser.parse("ALL Readers").rule == .all)
    let majority = try ImplicitMetaPolicyParser.parse("MAJORITY Admins")
    #expect(majority.rule == .majority)
    #expect(majority.subPolicy == "Admins")
    for bad in ["", "ANY", "any Readers", "ANY  Readers", "ANY Readers ", "SOME Readers"] {
      #expect(throws: PolicyError.self) { try ImplicitMetaPolicyParser.parse(bad) }
    }
  }
}
