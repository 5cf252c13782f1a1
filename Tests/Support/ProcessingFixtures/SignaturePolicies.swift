// Builds the policies that tests put into configs.

import FabricProtos
import Foundation
import SwiftProtobuf

/// Builders of policies.
package enum SignaturePolicies {
  /// One signature of any member of an organization.
  package static func anyMember(of mspID: String) throws -> Common_Policy {
    var role = Common_MSPRole()
    role.mspIdentifier = mspID
    role.role = .member
    var principal = Common_MSPPrincipal()
    principal.principalClassification = .role
    principal.principal = try role.serializedData()
    var one = Common_SignaturePolicy()
    one.signedBy = 0
    var rule = Common_SignaturePolicy.NOutOf()
    rule.n = 1
    rule.rules = [one]
    var envelope = Common_SignaturePolicyEnvelope()
    envelope.rule.nOutOf = rule
    envelope.identities = [principal]
    var policy = Common_Policy()
    policy.type = Int32(Common_Policy.PolicyType.signature.rawValue)
    policy.value = try envelope.serializedData()
    return policy
  }
}
