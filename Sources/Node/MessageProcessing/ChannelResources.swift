// What the processors need to know from their surroundings: the channel, time and randomness.

import ChannelConfig
import FabricCrypto
import Foundation
import Logging
import Membership

/// Judges what a config update makes of a channel's consensus, for the processors.
package protocol ConsensusJudge: Sendable {
  /// Lets the channel's consenter refuse a config, after all general rules accepted it (Fabric:
  /// `consensus.MetadataValidator`).
  ///
  /// - Parameters:
  ///   - current: the orderer group in force; that of the system channel when a channel is created.
  ///   - next: the orderer group proposed.
  ///   - isNewChannel: whether `next` belongs to a channel that does not exist yet.
  /// - Throws: the refusal, usually ``ProcessingError/badRequest(_:)``.
  func validateConsensusMetadata(
    current: OrdererGroupConfig, next: OrdererGroupConfig, isNewChannel: Bool
  ) throws(ProcessingError)

  /// The consensus type by which this process orders the channel: that of the configuration at its start,
  /// whatever type the one in force names.
  var runningConsensusType: String { get }

  /// Lets the consenter of the type that `next` names refuse to begin with it: once the nodes are restarted,
  /// nothing but a backup leads back.
  ///
  /// - Throws: the refusal, usually ``ProcessingError/badRequest(_:)``.
  func validateFounding(
    current: OrdererGroupConfig, next: OrdererGroupConfig
  ) throws(ProcessingError)
}

/// One channel as its processor sees it.
///
/// A processor holds its resources strongly. Give it an object that does not own the processor.
package protocol ChannelResources: ConsensusJudge {
  /// The channel's name.
  var channelID: String { get }
  /// The channel's current config. It has an orderer group. Read once per message.
  var bundle: ConfigBundle { get }
  /// This node's identity, which signs the config messages that the processors make.
  var signer: any Signer { get }
}

/// What the rules depend on besides configs and messages.
package struct ProcessingEnvironment: Sendable {
  /// The current time, for certificates' expiry and the timestamps of config messages.
  package var now: @Sendable () -> Date
  /// A fresh nonce for a signature header.
  package var nonce: @Sendable () -> [UInt8]
  /// Whether messages of identities with an expired certificate are refused, on channels whose
  /// capabilities ask for it (the opposite of the setting
  /// `General.Authentication.NoExpirationChecks`).
  package var checksExpiration: Bool
  /// Where refused signatures and consensus migrations are logged.
  package var logger: Logger

  package init(
    checksExpiration: Bool = true,
    logger: Logger = Logger(label: "orderer.common.msgprocessor"),
    now: @escaping @Sendable () -> Date,
    nonce: @escaping @Sendable () -> [UInt8] = Nonce.random
  ) {
    self.checksExpiration = checksExpiration
    self.logger = logger
    self.now = now
    self.nonce = nonce
  }
}
