// Why a policy was not satisfied, could not be built, or could not be parsed.

/// What went wrong with a policy.
package struct PolicyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds of error, for callers that act on them.
  package enum Kind: Equatable, Sendable {
    /// The signatures do not satisfy the policy.
    case notSatisfied
    /// There is no policy of the requested name.
    case noSuchPolicy
    /// More signatures than allowed; see ``SignerSet/maximumSignatures``.
    case tooManySignatures
    /// The policy cannot be built from its definition.
    case malformed
    /// The text form of a policy cannot be parsed.
    case syntax
  }

  /// What kind of error it is.
  package let kind: Kind
  /// The reason, worded as Fabric's where its logs and clients are read by other programs.
  package let description: String
  /// Which signatures were left out of the evaluation and why, for a debug log; empty unless
  /// ``kind`` is ``Kind/notSatisfied``.
  package let details: [String]

  /// Creates an error with a reason.
  package init(_ kind: Kind, _ description: String, details: [String] = []) {
    self.kind = kind
    self.description = description
    self.details = details
  }

  /// The refusal that stands for a policy that does not exist. Fabric: `rejectPolicy`.
  package static func noSuchPolicy(_ name: String) -> PolicyError {
    PolicyError(.noSuchPolicy, "no such policy: '\(name)'")
  }
}
