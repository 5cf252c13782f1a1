// The text form of implicit-meta policies, as it is written in configtx.yaml.

import FabricProtos

/// Parses rules such as `MAJORITY Admins`. Fabric: `ImplicitMetaFromString`.
package enum ImplicitMetaPolicyParser {
  /// Parses a rule: ANY, ALL or MAJORITY, one space, and the name of the sub-policies.
  ///
  /// - Throws: ``PolicyError`` of kind syntax with the reason.
  package static func parse(_ rule: String) throws(PolicyError) -> Common_ImplicitMetaPolicy {
    let tokens = rule.split(separator: " ", omittingEmptySubsequences: false)
    guard tokens.count == 2 else {
      throw PolicyError(
        .syntax, "expected two space separated tokens, but got \(tokens.count)")
    }
    var result = Common_ImplicitMetaPolicy()
    result.subPolicy = String(tokens[1])
    switch tokens[0] {
    case "ANY": result.rule = .any
    case "ALL": result.rule = .all
    case "MAJORITY": result.rule = .majority
    default:
      throw PolicyError(
        .syntax, "unknown rule type '\(tokens[0])', expected ALL, ANY, or MAJORITY")
    }
    return result
  }
}
