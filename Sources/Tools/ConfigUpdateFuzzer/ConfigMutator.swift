// Changes to a tree of config groups, of the kinds that people, tools and attackers make.

import ChannelConfig
import FabricProtos
import Foundation

/// Changes configs.
struct ConfigMutator {
  /// Paths of groups that exist in some config.
  private static let modPolicies = [
    "Admins", "Readers", "Writers", "/Channel/Admins", "/Channel/Application/Admins",
    "/Channel/Orderer/Admins", "", "/", "//", "Nobody", "/Channel/Nobody", "Org1/Admins",
    "../Admins",
    "/Elsewhere/Admins", "Admins/", "ChannelCreationPolicy", "é",
    String(repeating: "a", count: 250),
  ]
  private static let names = [
    "Org1", "Org2", "Org9", "OrdererOrg", "Application", "Orderer", "Consortiums",
    "SampleConsortium", "Channel", "New", ".", "..", "", "a/b", "Ünicode", "with space",
    String(repeating: "n", count: 249), String(repeating: "n", count: 250),
    ConfigKey.msp, ConfigKey.batchSize, ConfigKey.batchTimeout, ConfigKey.capabilities,
    ConfigKey.consensusType, ConfigKey.endpoints, ConfigKey.acls, ConfigKey.anchorPeers,
    ConfigKey.hashingAlgorithm, ConfigKey.orderers, ConfigKey.consortium, ConfigKey.kafkaBrokers,
    ConfigKey.channelRestrictions, ConfigKey.ordererAddresses, ConfigKey.channelCreationPolicy,
    ConfigKey.blockDataHashingStructure, "Admins", "Readers", "Writers", "BlockValidation",
  ]

  /// Changes one thing somewhere in the tree.
  static func change(_ root: inout Common_ConfigGroup, _ random: inout SeededRandom) {
    let original = root
    descend(&root, original, &random, depth: 0)
  }

  private static func descend(
    _ group: inout Common_ConfigGroup, _ root: Common_ConfigGroup, _ random: inout SeededRandom,
    depth: Int
  ) {
    if depth < 6, random.chance(65), let name = random.key(group.groups),
      var child = group.groups[name]
    {
      descend(&child, root, &random, depth: depth + 1)
      group.groups[name] = child
      return
    }
    changeHere(&group, root, &random)
  }

  private static func changeHere(
    _ group: inout Common_ConfigGroup, _ root: Common_ConfigGroup, _ random: inout SeededRandom
  ) {
    switch random.below(16) {
    case 0...4:
      guard let name = random.key(group.values), var value = group.values[name] else { return }
      value.value = Data(ValueMaker.content(for: name, replacing: [UInt8](value.value), &random))
      group.values[name] = value
    case 5, 6:
      guard let name = random.key(group.policies), var policy = group.policies[name] else { return }
      policy.policy = PolicyMaker.policy(replacing: policy.policy, &random)
      if random.chance(5) { policy.clearPolicy() }
      group.policies[name] = policy
    case 7: removeSomething(&group, &random)
    case 8: addSomething(&group, &random)
    case 9: setModPolicy(&group, &random)
    case 10:
      // A branch of the tree somewhere else, perhaps below itself.
      var branch = root
      while random.chance(60), let name = random.key(branch.groups),
        let child = branch.groups[name]
      { branch = child }
      group.groups[random.pick(names) ?? "x"] = branch
    case 11:
      guard let old = random.key(group.groups), let new = random.pick(names) else { return }
      group.groups[new] = group.groups.removeValue(forKey: old)
    case 12:
      guard let one = random.key(group.groups), let other = random.key(group.groups) else { return }
      (group.groups[one], group.groups[other]) = (group.groups[other], group.groups[one])
    case 13 where random.chance(10):
      var chain = Common_ConfigGroup()
      for _ in 0..<random.below(140) {
        var parent = Common_ConfigGroup()
        parent.groups["g"] = chain
        parent.modPolicy = "Admins"
        chain = parent
      }
      group.groups["Deep"] = chain
    case 14 where random.chance(5):
      for number in 0..<random.below(3_000) { group.values["V\(number)"] = Common_ConfigValue() }
    default:
      guard let name = random.key(group.values) else { return }
      group.values[name]?.version &+= UInt64(random.below(3))
    }
  }

  private static func removeSomething(
    _ group: inout Common_ConfigGroup, _ random: inout SeededRandom
  ) {
    switch random.below(3) {
    case 0: if let name = random.key(group.values) { group.values[name] = nil }
    case 1: if let name = random.key(group.policies) { group.policies[name] = nil }
    default: if let name = random.key(group.groups) { group.groups[name] = nil }
    }
  }

  private static func addSomething(
    _ group: inout Common_ConfigGroup, _ random: inout SeededRandom
  ) {
    let name = random.pick(names) ?? "x"
    let modPolicy = random.chance(70) ? "Admins" : (random.pick(modPolicies) ?? "")
    switch random.below(3) {
    case 0:
      var value = Common_ConfigValue()
      value.value = Data(ValueMaker.content(for: name, replacing: [], &random))
      value.modPolicy = modPolicy
      group.values[name] = value
    case 1:
      var policy = Common_ConfigPolicy()
      policy.policy = PolicyMaker.policy(replacing: Common_Policy(), &random)
      policy.modPolicy = modPolicy
      group.policies[name] = policy
    default:
      var child = Common_ConfigGroup()
      child.modPolicy = modPolicy
      // Often a working group under a new name: an organization that joins.
      if random.chance(70), let sibling = random.key(group.groups) {
        child = group.groups[sibling] ?? child
      }
      group.groups[name] = child
    }
  }

  private static func setModPolicy(
    _ group: inout Common_ConfigGroup, _ random: inout SeededRandom
  ) {
    let modPolicy = random.pick(modPolicies) ?? ""
    switch random.below(3) {
    case 0: if let name = random.key(group.values) { group.values[name]?.modPolicy = modPolicy }
    case 1: if let name = random.key(group.policies) { group.policies[name]?.modPolicy = modPolicy }
    default: group.modPolicy = modPolicy
    }
  }
}
