// What is known of an update beforehand.

/// The result of checking an update. Its JSON form is what scripts read.
package struct UpdateReport: Sendable, Encodable, Equatable {
  package struct Change: Sendable, Encodable, Equatable {
    package let path: String
    /// `group`, `value` or `policy`.
    package let element: String
    /// `added`, `changed` or `removed`.
    package let change: String
    /// The policy that guards it; nil if what is changed around it decides.
    package let policy: String?
    package let isAuthorized: Bool
  }

  /// Somebody who has signed.
  package struct Signer: Sendable, Encodable, Equatable {
    package let msp: String
    /// What its certificate says.
    package let identity: String
    /// Why its signature does not count; nil if it does.
    package let problem: String?
  }

  /// One thing that a node asks about the update.
  package struct Check: Sendable, Encodable, Equatable {
    package enum Name: String, Sendable, Encodable {
      /// Whether the update fits the configuration: versions, names.
      case update
      case signatures
      /// Whether whoever hands it in may.
      case submission
      case configuration
      case consensusMetadata = "consensus metadata"
      case maintenance = "maintenance mode"
      case migration
    }

    package let name: Name
    package let isPassed: Bool
    /// What a client would be answered, e.g. `BAD_REQUEST`; nil if the check is passed.
    package let status: String?
    package let reason: String?
  }

  package struct Certificate: Sendable, Encodable, Equatable {
    /// `HOST:PORT` of the consenter.
    package let consenter: String
    /// `client` or `server`.
    package let use: String
    /// In UTC.
    package let expires: String
    package let isExpired: Bool
    package let expiresSoon: Bool
  }

  package struct Consenter: Sendable, Encodable, Equatable {
    package let id: UInt64
    /// `HOST:PORT`.
    package let address: String
    /// `stays`, `joins`, `leaves` or `rotates`.
    package let change: String
    package let isActive: Bool
  }

  /// What nodes will do.
  package struct Effect: Sendable, Encodable, Equatable {
    package enum Kind: String, Sendable, Encodable {
      case restart, join, follower, leader, messages, readers, channels, options, capability,
        warning
    }
    package let kind: Kind
    package let text: String
  }

  package let channel: String
  /// The block that has the configuration in force.
  package let block: UInt64
  package let sequence: UInt64
  /// The policy that whoever hands the update in has to satisfy.
  package let submissionPolicy: String
  package var changes: [Change] = []
  package var signers: [Signer] = []
  package var policies: [PolicyStanding] = []
  package var checks: [Check] = []
  package var consenters: [Consenter] = []
  package var certificates: [Certificate] = []
  package var effects: [Effect] = []

  init(channel: String, block: UInt64, sequence: UInt64, submissionPolicy: String) {
    self.channel = channel
    self.submissionPolicy = submissionPolicy
    self.block = block
    self.sequence = sequence
  }

  /// Whether an orderer would accept the update as it is.
  package var isAccepted: Bool { checks.allSatisfy(\.isPassed) }

  /// Whether nothing but signatures is missing.
  package var isSound: Bool {
    checks.allSatisfy { $0.isPassed || $0.name == .signatures || $0.name == .submission }
  }

  private enum Key: String, CodingKey {
    case channel, block, sequence, submissionPolicy, isAccepted, isSound, changes, signers,
      policies, checks,
      consenters, certificates, effects
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(channel, forKey: .channel)
    try container.encode(block, forKey: .block)
    try container.encode(sequence, forKey: .sequence)
    try container.encode(submissionPolicy, forKey: .submissionPolicy)
    try container.encode(isAccepted, forKey: .isAccepted)
    try container.encode(isSound, forKey: .isSound)
    try container.encode(changes, forKey: .changes)
    try container.encode(signers, forKey: .signers)
    try container.encode(policies, forKey: .policies)
    try container.encode(checks, forKey: .checks)
    try container.encode(consenters, forKey: .consenters)
    try container.encode(certificates, forKey: .certificates)
    try container.encode(effects, forKey: .effects)
  }
}
