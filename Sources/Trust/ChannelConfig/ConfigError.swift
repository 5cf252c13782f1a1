// Why a channel config or an update of it is refused.

/// What is wrong with a channel config or with an update of one.
package struct ConfigError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds of error, for callers that act on them.
  package enum Kind: Equatable, Sendable {
    /// Bytes that are not the message they should be, or a message without a part it needs.
    case malformed
    /// A value, name or group that a channel config must not hold.
    case invalid
    /// An update made for a different state or a different channel.
    case stale
    /// A policy that does not exist, does not compile, or is not satisfied.
    case policy
    /// A capability that this orderer does not have.
    case unsupportedCapability
    /// Deeper or larger than the bounds.
    case tooLarge
  }

  /// What kind of error it is.
  package let kind: Kind
  /// The reason, with the path of the element it is about.
  package let description: String

  /// How much of a reason is kept, in UTF-8 bytes. Reasons show what was sent, which may be large.
  package static let maximumLength = 4_096

  /// Creates an error with a reason.
  package init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description =
      description.utf8.count <= Self.maximumLength
      ? description
      : String(decoding: description.utf8.prefix(Self.maximumLength), as: UTF8.self) + "…"
  }

  /// The same error, with what was being done before the reason.
  func during(_ context: String) -> ConfigError {
    ConfigError(kind, context + ": " + description)
  }
}
