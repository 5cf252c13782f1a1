// How far the signers of an update satisfy a policy, down to whose signature is missing.

import FabricProtos
import Policies

/// A policy, what it asks for, and whether the signatures are enough. The verdicts are those of the policies that the
/// node asks.
package struct PolicyStanding: Sendable, Encodable, Equatable {
  /// E.g. `/Channel/Orderer/Admins`.
  package let policy: String
  /// What it asks for, in words.
  package let rule: String
  package let isSatisfied: Bool
  /// The policies that it asks, for one that asks others.
  package let below: [PolicyStanding]

  /// - Parameters:
  ///   - path: Of the policy, from `/Channel` on.
  ///   - root: The channel group that has it.
  init(
    _ path: String, in root: Common_ConfigGroup, _ manager: PolicyManager,
    signatures: [SignedData]
  ) {
    policy = path
    isSatisfied = (try? manager.evaluate(path, signatures)) != nil
    var names = path.split(separator: "/").dropFirst().map(String.init)
    let name = names.popLast() ?? ""
    var group: Common_ConfigGroup? = root
    for each in names { group = group?.groups[each] }
    guard let group, let definition = group.policies[name]?.policy else {
      (rule, below) = ("there is no such policy, so nobody can satisfy it", [])
      return
    }
    if Int(definition.type) == Common_Policy.PolicyType.implicitMeta.rawValue,
      let meta = try? Common_ImplicitMetaPolicy(serializedBytes: definition.value)
    {
      let base = path.dropLast(name.count + 1)
      below = group.groups.keys.sorted().map {
        PolicyStanding(
          "\(base)/\($0)/\(meta.subPolicy)", in: root, manager, signatures: signatures)
      }
      rule = Self.rule(meta, of: below.count)
    } else {
      let signature = try? Common_SignaturePolicyEnvelope(serializedBytes: definition.value)
      rule = signature.map(Self.rule) ?? "a policy of unknown kind"
      below = []
    }
  }

  /// The policies further down that have to be satisfied and are not, each of which asks for signatures and not for
  /// other policies.
  package var missing: [PolicyStanding] {
    if isSatisfied { return [] }
    return below.isEmpty ? [self] : below.flatMap(\.missing)
  }

  private static func rule(_ meta: Common_ImplicitMetaPolicy, of count: Int) -> String {
    let needed =
      switch meta.rule {
      case .all: "all"
      case .majority: "\(count / 2 + 1)"
      case .any, .UNRECOGNIZED: "1"
      }
    return "\(needed) of the \(count) policies '\(meta.subPolicy)' below"
  }

  private static func rule(_ policy: Common_SignaturePolicyEnvelope) -> String {
    let names = policy.identities.map(principal)
    return rule(policy.rule, names, depth: 0)
  }

  private static func rule(
    _ rule: Common_SignaturePolicy, _ names: [String], depth: Int
  ) -> String {
    // Deeper ones are in no configuration that a node accepts.
    guard depth < 100 else { return "…" }
    switch rule.type {
    case .signedBy(let index):
      return names.indices.contains(Int(index)) ? names[Int(index)] : "nobody"
    case .nOutOf(let gate):
      let rules = gate.rules.map { Self.rule($0, names, depth: depth + 1) }
      if rules.count == 1, gate.n == 1 { return rules[0] }
      return "\(gate.n) of (\(rules.joined(separator: ", ")))"
    case nil: return "nobody"
    }
  }

  private static func principal(_ principal: Common_MSPPrincipal) -> String {
    switch principal.principalClassification {
    case .role:
      guard let role = try? Common_MSPRole(serializedBytes: principal.principal) else { break }
      return "\(role.mspIdentifier).\(name(role.role))"
    case .organizationUnit:
      guard let unit = try? Common_OrganizationUnit(serializedBytes: principal.principal) else {
        break
      }
      return "\(unit.mspIdentifier), unit \(unit.organizationalUnitIdentifier)"
    default: break
    }
    return "one identity"
  }

  private static func name(_ role: Common_MSPRole.MSPRoleType) -> String {
    switch role {
    case .member: "member"
    case .admin: "admin"
    case .client: "client"
    case .peer: "peer"
    case .orderer: "orderer"
    case .UNRECOGNIZED(let number): "role \(number)"
    }
  }
}
