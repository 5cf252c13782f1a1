// Policy messages for those who write channel configs.

import FabricProtos
import Foundation
import SwiftProtobuf

/// Builds policy messages. Fabric: common/policydsl's builder and common/policies' util.
package enum PolicyTemplate {
  /// The principal of a role within an MSP.
  package static func principal(
    mspID: String, role: Common_MSPRole.MSPRoleType
  ) -> Common_MSPPrincipal {
    var mspRole = Common_MSPRole()
    mspRole.mspIdentifier = mspID
    mspRole.role = role
    var principal = Common_MSPPrincipal()
    principal.principalClassification = .role
    principal.principal = wire(mspRole)
    return principal
  }

  /// A rule that needs `n` of `rules`.
  package static func nOutOf(_ n: Int32, _ rules: [Common_SignaturePolicy])
    -> Common_SignaturePolicy
  {
    var gate = Common_SignaturePolicy.NOutOf()
    gate.n = n
    gate.rules = rules
    return rule(gate)
  }

  /// A rule that needs the signature of the principal at `index`.
  package static func signedBy(_ index: Int32) -> Common_SignaturePolicy {
    var rule = Common_SignaturePolicy()
    rule.signedBy = index
    return rule
  }

  /// A policy that `n` of the given MSPs satisfy with one signature each of the role.
  package static func signedBy(
    _ n: Int32, of role: Common_MSPRole.MSPRoleType, in mspIDs: [String]
  ) -> Common_SignaturePolicyEnvelope {
    var envelope = Common_SignaturePolicyEnvelope()
    envelope.identities = mspIDs.sorted().map { principal(mspID: $0, role: role) }
    envelope.rule = nOutOf(n, envelope.identities.indices.map { signedBy(Int32(clamping: $0)) })
    return envelope
  }

  /// A policy that everything satisfies, even without signatures.
  package static var acceptAll: Common_SignaturePolicyEnvelope {
    var envelope = Common_SignaturePolicyEnvelope()
    envelope.rule = nOutOf(0, [])
    return envelope
  }

  /// Wraps a signature policy into a policy message.
  package static func policy(_ envelope: Common_SignaturePolicyEnvelope) -> Common_Policy {
    var policy = Common_Policy()
    policy.type = Int32(Common_Policy.PolicyType.signature.rawValue)
    policy.value = wire(envelope)
    return policy
  }

  /// Wraps an implicit-meta policy into a policy message.
  package static func policy(_ implicitMeta: Common_ImplicitMetaPolicy) -> Common_Policy {
    var policy = Common_Policy()
    policy.type = Int32(Common_Policy.PolicyType.implicitMeta.rawValue)
    policy.value = wire(implicitMeta)
    return policy
  }

  /// An implicit-meta policy message with the rule over the sub-policies of that name.
  package static func implicitMeta(
    _ rule: Common_ImplicitMetaPolicy.Rule, _ subPolicyName: String
  ) -> Common_Policy {
    var implicitMeta = Common_ImplicitMetaPolicy()
    implicitMeta.rule = rule
    implicitMeta.subPolicy = subPolicyName
    return policy(implicitMeta)
  }

  /// The policy for the signatures of blocks under BFT: a quorum of the consenters' identities.
  /// Fabric 3: `EncodeBFTBlockVerificationPolicy`.
  package static func bftBlockValidation(
    consenters: [Common_Consenter]
  ) -> Common_SignaturePolicyEnvelope {
    var envelope = Common_SignaturePolicyEnvelope()
    envelope.identities = consenters.map {
      var identity = Msp_SerializedIdentity()
      identity.mspid = $0.mspID
      identity.idBytes = $0.identity
      var principal = Common_MSPPrincipal()
      principal.principalClassification = .identity
      principal.principal = wire(identity)
      return principal
    }
    envelope.rule = nOutOf(
      Int32(clamping: bftQuorum(nodes: consenters.count)),
      consenters.indices.map { signedBy(Int32(clamping: $0)) })
    return envelope
  }

  /// How many of `nodes` make a quorum that tolerates ⌊(nodes − 1) / 3⌋ faulty ones:
  /// ⌈(nodes + faulty + 1) / 2⌉.
  package static func bftQuorum(nodes: Int) -> Int {
    let faulty = max(nodes - 1, 0) / 3
    return (nodes + faulty + 2) / 2
  }

  static func rule(_ gate: Common_SignaturePolicy.NOutOf) -> Common_SignaturePolicy {
    var rule = Common_SignaturePolicy()
    rule.nOutOf = gate
    return rule
  }

  /// The wire form. Policy messages have no required fields and are far below protobuf's limit of
  /// 2 GiB, the two reasons for which serialization could fail.
  private static func wire(_ message: some Message) -> Data {
    (try? message.serializedData()) ?? Data()
  }
}
