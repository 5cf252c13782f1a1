// Implicit-meta policies, the tree of policies, and names within it.

import FabricProtos
import Foundation
import Membership
import Testing

@testable import Policies

@Suite("The policies of a channel")
struct PolicyManagerTests {
  let manager: MSPManager
  let message: [UInt8] = Array("message".utf8)

  init() throws { manager = try Fixtures.mspManager() }

  func policies(_ block: String = "app-raft-v20.block") throws -> PolicyManager {
    try PolicyManager(
      rootName: "Channel", group: try Fixtures.channelGroup(block), mspManager: manager)
  }

  func configPolicy(_ policy: Common_Policy) -> Common_ConfigPolicy {
    var result = Common_ConfigPolicy()
    result.policy = policy
    return result
  }

  /// A group whose policy P is made of the policies P of as many groups as there are entries, each
  /// agreeing, disagreeing, or (nil) missing.
  func group(
    _ rule: Common_ImplicitMetaPolicy.Rule, over subPolicies: [Bool?]
  ) -> Common_ConfigGroup {
    var root = Common_ConfigGroup()
    root.policies["P"] = configPolicy(PolicyTemplate.implicitMeta(rule, "P"))
    for (index, agrees) in subPolicies.enumerated() {
      var child = Common_ConfigGroup()
      if let agrees {
        child.policies["P"] = configPolicy(
          PolicyTemplate.policy(agrees ? PolicyTemplate.acceptAll : PolicyTemplate.rejectAll))
      }
      root.groups["g\(index)"] = child
    }
    return root
  }

  func verdict(_ group: Common_ConfigGroup) throws -> PolicyError? {
    let policies = try PolicyManager(rootName: "Channel", group: group, mspManager: manager)
    let policy = try #require(policies.policy("/Channel/P"))
    return PolicyError.thrown { () throws(PolicyError) in try policy.evaluate([]) }
  }

  @Test(
    "are satisfied by any, all or most of the policies below",
    arguments: [
      (.any, [], true), (.all, [], true), (.majority, [], true),
      (.any, [true], true), (.any, [false], false), (.any, [false, true], true),
      (.any, [nil], false), (.any, [nil, true], true),
      (.all, [true, true], true), (.all, [true, false], false), (.all, [true, nil], false),
      (.majority, [true], true), (.majority, [true, false], false),
      (.majority, [true, true, false], true), (.majority, [true, true, nil, nil], false),
      (.majority, [true, true, true, nil], true),
    ] as [(Common_ImplicitMetaPolicy.Rule, [Bool?], Bool)])
  func countsSubPolicies(
    rule: Common_ImplicitMetaPolicy.Rule, subPolicies: [Bool?], satisfied: Bool
  ) throws {
    #expect((try verdict(group(rule, over: subPolicies)) == nil) == satisfied)
  }

  @Test("say in Fabric's words what was missing")
  func wordsRefusal() throws {
    #expect(
      try verdict(group(.majority, over: [true, false, false, nil]))?.description
        == "implicit policy evaluation failed - 1 sub-policies were satisfied, but this policy "
        + "requires 3 of the 'P' sub-policies to be satisfied")

    let writers = try #require(try policies().policy(PolicyPath.channelWriters))
    let stranger = try Fixtures.user(3, "admin").signed(message)
    let error = PolicyError.thrown { () throws(PolicyError) in try writers.evaluate([stranger]) }
    #expect(
      error?.description
        == "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy "
        + "requires 1 of the 'Writers' sub-policies to be satisfied")
  }

  @Test("of the genesis blocks let the right users read, write and administer")
  func evaluatesFixtures() throws {
    let policies = try policies()
    func allows(_ path: String, _ users: [(Int, String)]) throws -> Bool {
      let signatures = try users.map { try Fixtures.user($0, $1).signed(message) }
      return (try? policies.evaluate(path, signatures)) != nil
    }
    #expect(try allows(PolicyPath.channelWriters, [(1, "user1")]))
    #expect(try allows(PolicyPath.channelWriters, [(0, "admin")]))
    #expect(try !allows(PolicyPath.channelWriters, [(1, "peer0")]))
    #expect(try allows(PolicyPath.channelReaders, [(1, "peer0")]))
    #expect(try !allows(PolicyPath.channelReaders, [(4, "user1")]))
    #expect(try !allows(PolicyPath.applicationAdmins, [(1, "admin")]))
    #expect(try !allows(PolicyPath.applicationAdmins, [(1, "admin"), (1, "admin")]))
    #expect(try !allows(PolicyPath.applicationAdmins, [(1, "admin"), (2, "user1")]))
    #expect(try allows(PolicyPath.applicationAdmins, [(1, "admin"), (2, "admin")]))
    #expect(try allows(PolicyPath.channelOrdererAdmins, [(0, "admin")]))
    #expect(
      try !allows("/Channel/Admins", [(1, "admin"), (2, "admin")]), "orderer is missing")
    #expect(try allows("/Channel/Admins", [(1, "admin"), (0, "admin"), (2, "admin")]))
  }

  @Test("verify each signature once, however many policies are asked")
  func verifiesOnce() throws {
    let policies = try policies()
    let bad = try Fixtures.user(1, "user1").badlySigned(message)
    var signers = try SignerSet([bad], mspManager: manager)
    let writers = try #require(policies.policy(PolicyPath.channelWriters))
    #expect(throws: PolicyError.self) { try writers.evaluate(&signers) }
    #expect(signers.signers.map(\.validity) == [.invalid])
    #expect(signers.exclusions.count == 1)
  }

  @Test("are found by absolute and by relative names")
  func findsPolicies() throws {
    let policies = try policies()
    #expect(policies.path == "/Channel")
    for name in [
      "/Channel/Readers", "Readers", "/Channel/Application/Org1/Admins", "Application/Org1/Admins",
    ] {
      #expect(policies.policy(name) != nil, "\(name)")
    }
    for name in [
      "", "/", "/Channel", "/Channel/", "//Channel/Readers", "/Channel//Readers", "/Other/Readers",
      "/ChannelXReaders", "Channel/Readers", "Application", "Application/", "/Readers", "Readers/",
      "Application/Nobody/Admins", "/Channel/Application/Org1/Admins/More",
      "/Channel/\u{301}Readers",
    ] {
      #expect(policies.policy(name) == nil, "\(name)")
    }

    let application = try #require(policies.manager(["Application"]))
    #expect(application.path == "/Channel/Application")
    #expect(application.policy("Org1/Admins") != nil)
    #expect(application.policy("/Channel/Application/Admins") != nil)
    #expect(application.policy("/Channel/Admins") == nil, "it is not below the group")
    #expect(policies.manager(["Application", "Org1"])?.path == "/Channel/Application/Org1")
    #expect(policies.manager(["Application", "Org9"]) == nil)
    #expect(policies.manager([]) === policies)
  }

  @Test("that do not exist refuse everything")
  func refusesMissing() throws {
    let policies = try policies()
    let error = PolicyError.thrown { () throws(PolicyError) in
      try policies.evaluate("/Channel/Nothing", [])
    }
    #expect(error?.description == "no such policy: '/Channel/Nothing'")
    #expect(error?.kind == .noSuchPolicy)
  }

  @Test("that are malformed name themselves")
  func refusesMalformed() throws {
    func refusal(_ change: (inout Common_ConfigPolicy) -> Void) throws -> String? {
      var group = try Fixtures.channelGroup("app-raft-v20.block")
      var policy = try #require(group.groups["Application"]?.groups["Org1"]?.policies["Admins"])
      change(&policy)
      group.groups["Application"]?.groups["Org1"]?.policies["Admins"] = policy
      return PolicyError.thrown { () throws(PolicyError) in
        _ = try PolicyManager(rootName: "Channel", group: group, mspManager: manager)
      }?.description
    }
    let path = "/Channel/Application/Org1"
    #expect(try refusal { $0.clearPolicy() } == "policy Admins at path \(path) was nil")
    for type in [0, 2, 4, -1] as [Int32] {
      #expect(
        try refusal { $0.policy.type = type }
          == "policy Admins at path \(path) has unknown policy type: \(type)")
    }
    for type in [1, 3] as [Int32] {
      let text = try refusal {
        $0.policy.type = type
        $0.policy.value = Data([0xFF])
      }
      #expect(text?.contains("Admins at path \(path) did not compile: Error unmarshal") == true)
    }
    var unknownRule = Common_ImplicitMetaPolicy()
    unknownRule.rule = .UNRECOGNIZED(7)
    #expect(
      try refusal { $0.policy = PolicyTemplate.policy(unknownRule) }?.contains("rule type 7")
        == true)
  }

  @Test("in groups nested too deep are refused")
  func boundsDepth() throws {
    var group = Common_ConfigGroup()
    for _ in 0..<200 {
      var parent = Common_ConfigGroup()
      parent.groups["g"] = group
      group = parent
    }
    let error = PolicyError.thrown { () throws(PolicyError) in
      _ = try PolicyManager(rootName: "Channel", group: group, mspManager: manager)
    }
    #expect(error?.description.contains("nest deeper") == true)
  }

  @Test("for blocks under BFT need a quorum of the consenters")
  func makesBFTPolicy() throws {
    #expect((1...10).map(PolicyTemplate.bftQuorum) == [1, 2, 2, 3, 4, 4, 5, 6, 6, 7])
    let policy = try #require(
      try Fixtures.channelGroup("app-bft-v30.block").groups["Orderer"]?
        .policies["BlockValidation"]?.policy)
    let value = try #require(
      try Fixtures.channelGroup("app-bft-v30.block").groups["Orderer"]?.values["Orderers"]?.value)
    let consenters = try Common_Orderers(serializedBytes: value).consenterMapping
    #expect(consenters.count == 4)
    #expect(
      PolicyTemplate.policy(PolicyTemplate.bftBlockValidation(consenters: consenters)) == policy)
  }
}
