// The two kinds of policies a channel config can define, compiled, behind one protocol.

import FabricProtos
import Membership

/// A rule about who must have signed. Fabric: `policies.Policy`.
package protocol Policy: Sendable {
  /// Checks that the signatures are valid and their signers satisfy the policy.
  ///
  /// - Throws: ``PolicyError`` with the reason if they don't.
  func evaluate(_ signatures: [SignedData]) throws(PolicyError)

  /// Checks that identities, whose signatures were verified elsewhere, satisfy the policy.
  ///
  /// - Throws: ``PolicyError`` with the reason if they don't.
  func evaluate(identities: [Identity]) throws(PolicyError)

  /// Checks signers that are asked about more than once, without resolving or verifying anything a
  /// second time.
  ///
  /// - Throws: ``PolicyError`` with the reason if they don't satisfy the policy.
  func evaluate(_ signers: inout SignerSet) throws(PolicyError)
}

/// A policy of a channel config in evaluable form.
final class CompiledPolicy: Policy {
  private enum Body: Sendable {
    case signature(SignaturePolicyProgram)
    case implicitMeta(ImplicitMetaProgram)
  }

  private let body: Body
  private let mspManager: MSPManager

  init(signature envelope: Common_SignaturePolicyEnvelope, mspManager: MSPManager)
    throws(PolicyError)
  {
    body = .signature(try SignaturePolicyProgram(envelope, mspManager: mspManager))
    self.mspManager = mspManager
  }

  init(implicitMeta program: ImplicitMetaProgram, mspManager: MSPManager) {
    body = .implicitMeta(program)
    self.mspManager = mspManager
  }

  func evaluate(_ signatures: [SignedData]) throws(PolicyError) {
    var signers = try SignerSet(signatures, mspManager: mspManager)
    try evaluate(&signers)
  }

  func evaluate(identities: [Identity]) throws(PolicyError) {
    var signers = SignerSet(verified: identities)
    try evaluate(&signers)
  }

  func evaluate(_ signers: inout SignerSet) throws(PolicyError) {
    switch body {
    case .signature(let program):
      guard program.isSatisfied(by: &signers) else {
        throw PolicyError(
          .notSatisfied, "signature set did not satisfy policy", details: signers.exclusions)
      }
    case .implicitMeta(let program):
      let satisfied = program.satisfiedCount(by: &signers)
      guard satisfied >= program.threshold else {
        throw PolicyError(
          .notSatisfied,
          "implicit policy evaluation failed - \(satisfied) sub-policies were satisfied, but this "
            + "policy requires \(program.threshold) of the '\(program.subPolicyName)' "
            + "sub-policies to be satisfied", details: signers.exclusions)
      }
    }
  }

  /// The evaluation without a reason, for policies that ask many others.
  func isSatisfied(by signers: inout SignerSet) -> Bool {
    switch body {
    case .signature(let program): program.isSatisfied(by: &signers)
    case .implicitMeta(let program): program.satisfiedCount(by: &signers) >= program.threshold
    }
  }
}

/// A policy that is satisfied if enough of the policies of one name in the groups below are.
struct ImplicitMetaProgram: Sendable {
  /// How many sub-policies must be satisfied.
  let threshold: Int
  /// The name that the sub-policies share.
  let subPolicyName: String
  /// The sub-policies that exist. A group without one counts towards the threshold and never agrees.
  private let subPolicies: [CompiledPolicy]

  /// Compiles an implicit-meta policy over the groups below. Fabric: `NewImplicitMetaPolicy`; unlike
  /// there, a rule of unknown number is refused and not taken as "nobody may agree".
  ///
  /// - Parameter subPolicies: the policy of that name of each group below, nil where there is none.
  init(_ definition: Common_ImplicitMetaPolicy, subPolicies: [CompiledPolicy?])
    throws(PolicyError)
  {
    let groups = subPolicies.count
    switch definition.rule {
    // Where there is nobody to ask, everybody has agreed, and so have any and a majority.
    case .any: threshold = groups == 0 ? 0 : 1
    case .all: threshold = groups
    case .majority: threshold = groups == 0 ? 0 : groups / 2 + 1
    case .UNRECOGNIZED(let number):
      throw PolicyError(
        .malformed, "unknown rule type \(number), expected ANY (0), ALL (1), or MAJORITY (2)")
    }
    subPolicyName = definition.subPolicy
    self.subPolicies = subPolicies.compactMap { $0 }
  }

  /// How many sub-policies are satisfied; stops counting at the threshold.
  func satisfiedCount(by signers: inout SignerSet) -> Int {
    var satisfied = 0
    for policy in subPolicies {
      if satisfied >= threshold { break }
      if policy.isSatisfied(by: &signers) { satisfied += 1 }
    }
    return satisfied
  }
}
