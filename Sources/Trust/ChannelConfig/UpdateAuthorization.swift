// Asking mod policies whether the signers of one update may change elements.

import Membership
import Policies

/// The signers of an update and what the policies asked so far said about them. An update may touch
/// many elements under few policies; each policy is asked once and each signature verified once.
struct UpdateAuthorization {
  private let signatures: [SignedData]
  private let policyManager: PolicyManager
  private let mspManager: MSPManager
  private var signers: SignerSet?
  /// By the group and the mod policy relative to it: nil if satisfied, otherwise the reason.
  private var verdicts: [[String]: PolicyError?] = [:]

  init(_ signatures: [SignedData], policyManager: PolicyManager, mspManager: MSPManager) {
    self.signatures = signatures
    self.policyManager = policyManager
    self.mspManager = mspManager
  }

  /// Checks that the signers satisfy the mod policy of an element of the current config.
  ///
  /// - Throws: ``ConfigError`` of kind policy.
  mutating func check(_ entry: ConfigElements.Entry, key: String) throws(ConfigError) {
    let modPolicy = entry.element.modPolicy
    // A relative policy is looked up at the group that the element is in, or is.
    let isAbsolute = modPolicy.utf8.first == UInt8(ascii: "/")
    let groups = isAbsolute || modPolicy.isEmpty ? [] : entry.groups

    let verdict: PolicyError?
    if let known = verdicts[groups + [modPolicy]] {
      verdict = known
    } else {
      guard let policy = policyManager.manager(groups)?.policy(modPolicy) else {
        throw ConfigError(
          .policy, "unexpected missing policy \(modPolicy) for item \(key)")
      }
      verdict = ask(policy)
      verdicts[groups + [modPolicy]] = .some(verdict)
    }
    if let verdict {
      throw ConfigError(.policy, "policy for \(key) not satisfied: \(verdict)")
    }
  }

  private mutating func ask(_ policy: any Policy) -> PolicyError? {
    do throws(PolicyError) {
      var signers: SignerSet
      if let known = self.signers {
        signers = known
      } else {
        signers = try SignerSet(signatures, mspManager: mspManager)
      }
      self.signers = nil
      defer { self.signers = signers }
      try policy.evaluate(&signers)
      return nil
    } catch { return error }
  }
}
