// A signature policy compiled for evaluation: a flat list of rules instead of a tree of messages.

import FabricProtos
import Membership

/// The compiled form of a `common.SignaturePolicyEnvelope`. Fabric: common/cauthdsl.
struct SignaturePolicyProgram: Sendable {
  /// How deep `n_out_of` rules may nest.
  static let maximumDepth = 100
  /// How many rules a policy may hold in total.
  static let maximumRules = 65_536

  /// One rule. Rules lie in pre-order: the sub-rules of the rule at `i` begin at `i + 1` and end
  /// before its `end`.
  private struct Rule {
    /// For `signed_by` the index of the principal, otherwise -1.
    let principal: Int
    /// For `n_out_of` how many sub-rules must hold.
    let needed: Int
    /// How many direct sub-rules there are.
    let children: Int
    /// The index after the last rule below this one.
    var end: Int
  }

  private struct ConfinedPrincipal {
    let principal: Principal
    /// The MSP that the principal is confined to; nil if the principal has to be asked.
    let mspID: String?
  }

  private var rules: [Rule] = []
  private let principals: [ConfinedPrincipal]
  private let mspManager: MSPManager

  /// Compiles a policy.
  ///
  /// - Throws: ``PolicyError`` of kind malformed for a version other than 0, a rule without a type, a
  ///   principal out of range, or one of the bounds.
  init(_ envelope: Common_SignaturePolicyEnvelope, mspManager: MSPManager) throws(PolicyError) {
    guard envelope.version == 0 else {
      throw PolicyError(
        .malformed,
        "This evaluator only understands messages of version 0, but version was "
          + "\(envelope.version)")
    }
    guard envelope.hasRule else { throw PolicyError(.malformed, "Empty policy element") }
    self.mspManager = mspManager
    principals = envelope.identities.map {
      ConfinedPrincipal(principal: Principal($0), mspID: Self.confiningMSP(of: $0))
    }
    try append(envelope.rule, depth: 0)
  }

  private mutating func append(
    _ policy: Common_SignaturePolicy, depth: Int
  ) throws(PolicyError) {
    guard depth <= Self.maximumDepth else {
      throw PolicyError(
        .malformed, "the rules of the policy nest deeper than \(Self.maximumDepth) levels")
    }
    guard rules.count < Self.maximumRules else {
      throw PolicyError(.malformed, "the policy has more than \(Self.maximumRules) rules")
    }
    let index = rules.count
    switch policy.type {
    case .signedBy(let identity):
      guard identity >= 0, Int(identity) < principals.count else {
        throw PolicyError(
          .malformed,
          "identity index out of range, requested \(identity), but identities length is "
            + "\(principals.count)")
      }
      rules.append(Rule(principal: Int(identity), needed: 0, children: 0, end: index + 1))
    case .nOutOf(let gate):
      rules.append(
        Rule(principal: -1, needed: Int(gate.n), children: gate.rules.count, end: index + 1))
      for rule in gate.rules { try append(rule, depth: depth + 1) }
      rules[index].end = rules.count
    case nil:
      throw PolicyError(.malformed, "Unknown type: a rule is neither signed_by nor n_out_of")
    }
  }

  /// The MSP that an identity must belong to if it is to satisfy the principal. Sorting out foreign
  /// identities by name keeps an ANY over many organizations cheap.
  private static func confiningMSP(of principal: Common_MSPPrincipal) -> String? {
    switch principal.principalClassification {
    case .role:
      (try? Common_MSPRole(serializedBytes: principal.principal))?.mspIdentifier
    case .organizationUnit:
      (try? Common_OrganizationUnit(serializedBytes: principal.principal))?.mspIdentifier
    default: nil
    }
  }

  /// Whether the signers satisfy the policy. Verifies no more signatures than it needs.
  func isSatisfied(by signers: inout SignerSet) -> Bool {
    var used = UsedSigners()
    return holds(0, &signers, &used, isRoot: true)
  }

  /// Evaluates one rule as Fabric does: greedily, in order, each signer used at most once. A gate
  /// goes on after it has enough, since the rules after it see which signers it used up; only the
  /// root, with no rule after it, may stop.
  private func holds(
    _ index: Int, _ signers: inout SignerSet, _ used: inout UsedSigners, isRoot: Bool
  ) -> Bool {
    let rule = rules[index]
    if rule.principal >= 0 {
      let principal = principals[rule.principal]
      for signer in 0..<signers.count where !used.contains(signer) {
        let identity = signers.signers[signer].identity
        if let mspID = principal.mspID, identity.mspID != mspID { continue }
        if signers.isExcluded(signer) { continue }
        guard mspManager.satisfies(identity, principal: principal.principal) else { continue }
        guard signers.counts(signer) else { continue }
        used.insert(signer)
        return true
      }
      return false
    }

    var satisfied = 0
    var remaining = rule.children
    var child = index + 1
    while child < rule.end {
      if satisfied + remaining < rule.needed { return false }
      if isRoot, satisfied >= rule.needed { return true }
      var attempt = used
      if holds(child, &signers, &attempt, isRoot: false) {
        satisfied += 1
        used = attempt
      }
      remaining -= 1
      child = rules[child].end
    }
    return satisfied >= rule.needed
  }
}

/// Which signers a rule has used up: a bit for each.
struct UsedSigners {
  private var low: UInt64 = 0
  /// The signers from the 65th on, which is the rare case.
  private var high: [UInt64] = []

  func contains(_ signer: Int) -> Bool {
    if signer < 64 { return low & (1 << UInt64(signer)) != 0 }
    let word = signer / 64 - 1
    return word < high.count && high[word] & (1 << UInt64(signer % 64)) != 0
  }

  mutating func insert(_ signer: Int) {
    if signer < 64 {
      low |= 1 << UInt64(signer)
      return
    }
    let word = signer / 64 - 1
    while high.count <= word { high.append(0) }
    high[word] |= 1 << UInt64(signer % 64)
  }
}
