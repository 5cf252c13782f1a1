// Policies: right ones, extreme ones, wrong ones.

import FabricProtos
import Foundation

enum PolicyMaker {
  private static let mspIDs = ["Org1MSP", "Org2MSP", "Org3MSP", "OrdererMSP", "Nobody", ""]

  static func policy(replacing old: Common_Policy, _ random: inout SeededRandom) -> Common_Policy {
    var policy = old
    switch random.below(8) {
    case 0: policy.type = Int32(random.below(7)) - 1
    case 1, 2: policy.value = Data(WireDamage.apply(to: [UInt8](policy.value), &random))
    case 3, 4, 5:
      policy.type = Int32(Common_Policy.PolicyType.implicitMeta.rawValue)
      let meta = Common_ImplicitMetaPolicy.with {
        $0.rule = random.pick([.any, .all, .majority, .UNRECOGNIZED(9)]) ?? .any
        $0.subPolicy =
          random.pick(["Admins", "Readers", "Writers", "Endorsement", "", "None"]) ?? ""
      }
      policy.value = (try? meta.serializedData()) ?? Data()
    default:
      policy.type = Int32(Common_Policy.PolicyType.signature.rawValue)
      var envelope = Common_SignaturePolicyEnvelope()
      envelope.version = random.chance(5) ? 1 : 0
      for _ in 0..<random.below(5) { envelope.identities.append(principal(&random)) }
      var budget = 60
      envelope.rule = rule(&random, identities: envelope.identities.count, depth: 0, &budget)
      policy.value = (try? envelope.serializedData()) ?? Data()
    }
    return policy
  }

  private static func principal(_ random: inout SeededRandom) -> Common_MSPPrincipal {
    var principal = Common_MSPPrincipal()
    switch random.below(6) {
    case 0:
      principal.principalClassification = .organizationUnit
      let unit = Common_OrganizationUnit.with {
        $0.mspIdentifier = random.pick(mspIDs) ?? ""
        $0.organizationalUnitIdentifier = random.pick(["client", "peer", "admin", ""]) ?? ""
      }
      principal.principal = (try? unit.serializedData()) ?? Data()
    case 1:
      principal.principalClassification =
        random.pick(
          [.identity, .anonymity, .combined, .UNRECOGNIZED(8)]) ?? .identity
      principal.principal = Data(random.bytes(upTo: 40))
    default:
      let role = Common_MSPRole.with {
        $0.mspIdentifier = random.pick(mspIDs) ?? ""
        $0.role =
          random.pick([.member, .admin, .client, .peer, .orderer, .UNRECOGNIZED(9)])
          ?? .member
      }
      principal.principal = (try? role.serializedData()) ?? Data()
    }
    return principal
  }

  private static func rule(
    _ random: inout SeededRandom, identities: Int, depth: Int, _ budget: inout Int
  ) -> Common_SignaturePolicy {
    var rule = Common_SignaturePolicy()
    budget -= 1
    if random.chance(3) { return rule }
    guard depth < 5, budget > 0, random.chance(60) else {
      rule.signedBy = Int32(random.below(identities + (random.chance(5) ? 3 : 0)))
      if random.chance(2) { rule.signedBy = -1 }
      return rule
    }
    let count = random.below(4)
    rule.nOutOf.n = Int32(random.below(count + 2)) - (random.chance(3) ? 2 : 0)
    for _ in 0..<count {
      rule.nOutOf.rules.append(
        Self.rule(&random, identities: identities, depth: depth + 1, &budget))
    }
    return rule
  }
}
