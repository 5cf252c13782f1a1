// The policies of a group: those of its section of the profile, or what 1.4 has where there is none.

import FabricProtos
import Policies

extension ChannelGroupBuilder {
  /// Defaults of 1.4 for groups above organizations.
  static let implicitMetaDefaults: [String: Common_Policy] = [
    "Readers": PolicyTemplate.implicitMeta(.any, "Readers"),
    "Writers": PolicyTemplate.implicitMeta(.any, "Writers"),
    "Admins": PolicyTemplate.implicitMeta(.majority, "Admins"),
  ]

  /// Defaults of 1.4 for organizations.
  static func signatureDefaults(
    mspID: String, membersAreAdmins: Bool
  ) -> [String: Common_Policy] {
    let members = PolicyTemplate.policy(PolicyTemplate.signedBy(1, of: .member, in: [mspID]))
    let admins = PolicyTemplate.policy(PolicyTemplate.signedBy(1, of: .admin, in: [mspID]))
    return [
      "Readers": members, "Writers": members, "Admins": membersAreAdmins ? members : admins,
    ]
  }

  /// Adds the policies of a section, or 1.4's defaults if it has none.
  ///
  /// - Parameter required: Policies that 2.x and 3.x insist on.
  func addPolicies(
    _ rules: [Profile.PolicyRule], defaults: [String: Common_Policy],
    required: [String] = ["Readers", "Writers", "Admins"], of owner: String,
    at place: Profile.Place, to group: inout Common_ConfigGroup
  ) throws(GenesisError) {
    if rules.isEmpty && profile.dialect == .fabric1 {
      for (name, policy) in defaults { add(name, policy, to: &group) }
      return
    }
    let section = Profile.Place(
      key: place.key.isEmpty ? "Policies" : place.key + ".Policies", line: place.line)
    if profile.dialect != .fabric1 {
      for name in required where !rules.contains(where: { $0.name == name }) {
        throw profile.error(
          .missingSetting, at: section,
          "\(owner) needs a policy \(name); since Fabric 2.0 there are no default policies")
      }
    }
    for rule in rules {
      try checkName(rule.name, kind: "policy", at: rule.place)
      add(rule.name, try policy(rule), to: &group)
    }
  }

  private func policy(_ rule: Profile.PolicyRule) throws(GenesisError) -> Common_Policy {
    do {
      switch rule.type {
      case "ImplicitMeta":
        return PolicyTemplate.policy(try ImplicitMetaPolicyParser.parse(rule.rule))
      case "Signature":
        return PolicyTemplate.policy(try SignaturePolicyParser.parse(rule.rule))
      default: break
      }
    } catch {
      throw profile.error(
        .invalidValue, at: rule.place, value: rule.rule,
        "is not a valid \(rule.type) rule: \(error)")
    }
    throw profile.error(
      .invalidValue, at: rule.place, value: rule.type,
      "unknown policy type; must be Signature or ImplicitMeta")
  }

  private func add(_ name: String, _ policy: Common_Policy, to group: inout Common_ConfigGroup) {
    var entry = Common_ConfigPolicy()
    entry.modPolicy = Self.admins
    entry.policy = policy
    group.policies[name] = entry
  }
}
