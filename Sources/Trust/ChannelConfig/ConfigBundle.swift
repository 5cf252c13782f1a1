// One consistent, immutable state of a channel's configuration. Fabric: channelconfig.Bundle.

import FabricProtos
import Membership
import Policies

/// A channel's config with everything derived from it.
///
/// A bundle never changes; an update of the config makes a new one. Its values, identities and
/// policies all belong to one state.
package final class ConfigBundle: Sendable {
  /// How deep config groups may nest. Real ones have four levels.
  package static let maximumDepth = 100
  /// How many groups, values and policies a config may have together.
  package static let maximumElements = 100_000

  /// The name of the channel.
  package let channelID: String
  /// The config as received.
  package let config: Common_Config
  /// How many updates the config has seen.
  package var sequence: UInt64 { config.sequence }
  /// Resolves and validates identities of the channel's organizations.
  package let mspManager: MSPManager
  /// The channel's policies; its path is "/Channel".
  package let policyManager: PolicyManager
  /// The path of the policy of those who may write: during maintenance only ordering organizations.
  package let writersPath: String
  /// That policy, which every message asks for; nil if there is none.
  package let writers: (any Policy)?
  /// The values of the channel group.
  package let channel: ChannelGroupConfig
  /// The values of the orderer group; nil if there is none.
  package let orderer: OrdererGroupConfig?
  /// The values of the application group; nil if there is none, as in a system channel.
  package let application: ApplicationGroupConfig?
  /// The values of the consortiums group; nil except in a system channel.
  package let consortiums: ConsortiumsGroupConfig?

  /// The elements of the config by path; what updates are checked against.
  let elements: ConfigElements

  /// Reads and checks a whole config. Fabric: `channelconfig.NewBundle` and
  /// `configtx.NewValidatorImpl`.
  ///
  /// - Throws: ``ConfigError`` with the reason and the path of the element it is about. Capabilities
  ///   that this orderer lacks are no error here; see ``checkCapabilitiesSupported()``.
  package init(channelID: String, config: Common_Config) throws(ConfigError) {
    guard config.hasChannelGroup else {
      throw ConfigError(.malformed, "config must contain a channel group")
    }
    let root = config.channelGroup
    try root.checkBounds()
    try Self.checkCapabilityOrder(root)

    self.channelID = channelID
    self.config = config
    do throws(ConfigError) {
      channel = try ChannelGroupConfig(root)
      var msps = MSPRegistry(version: channel.capabilities.mspVersion)
      let groups = try SubGroups(root, channel: channel.capabilities, msps: &msps)
      orderer = groups.orderer
      application = groups.application
      consortiums = groups.consortiums
      mspManager = try msps.manager()
    } catch {
      throw error.during("initializing channelconfig failed")
    }
    do {
      policyManager = try PolicyManager(
        rootName: ConfigKey.channel, group: root, mspManager: mspManager)
    } catch {
      throw ConfigError(.policy, "initializing policymanager failed: \(error)")
    }
    writersPath =
      orderer?.consensusState == .maintenance
      ? PolicyPath.channelOrdererWriters : PolicyPath.channelWriters
    writers = policyManager.policy(writersPath)
    do throws(ConfigError) {
      do { try ChannelName.check(channelID) } catch {
        throw error.during("bad channel ID")
      }
      do { elements = try ConfigElements(root) } catch {
        throw error.during("error converting config to map")
      }
    } catch {
      throw error.during("initializing configtx manager failed")
    }
  }

  /// Reads the config out of the envelope in a config block. Fabric: `NewBundleFromEnvelope`.
  ///
  /// - Parameter configEnvelope: a serialized `common.Envelope` whose payload data is a
  ///   `common.ConfigEnvelope`.
  /// - Throws: ``ConfigError`` if it is not, or as ``init(channelID:config:)``.
  package convenience init(configEnvelope: [UInt8]) throws(ConfigError) {
    let payload = try ConfigMessages.payload(of: try ConfigMessages.envelope(configEnvelope))
    let header = try ConfigMessages.channelHeader(of: payload)
    try MapEntryCheck.configEnvelope(payload.data)
    let envelope = try ConfigMessages.decode(
      Common_ConfigEnvelope.self, payload.data, "config envelope from payload")
    guard envelope.hasConfig else {
      throw ConfigError(.malformed, "channelconfig Config cannot be nil")
    }
    try self.init(channelID: header.channelID, config: envelope.config)
  }

  /// Orderers that don't know capabilities at all ignore those of the channel, so that the
  /// orderer's own must come first. Fabric: `preValidate`.
  private static func checkCapabilityOrder(_ root: Common_ConfigGroup) throws(ConfigError) {
    let key = ConfigKey.capabilities
    guard let orderer = root.groups[ConfigKey.orderer], orderer.values[key] == nil else { return }
    if root.values[key] != nil {
      throw ConfigError(
        .invalid, "cannot enable channel capabilities without orderer support first")
    }
    if root.groups[ConfigKey.application]?.values[key] != nil {
      throw ConfigError(
        .invalid, "cannot enable application capabilities without orderer support first")
    }
  }

  /// Checks that this orderer has the capabilities that the channel demands of orderers: those of
  /// the orderer and of the channel group. Those of the application concern peers.
  ///
  /// - Throws: ``ConfigError`` that names the level and the capability, or if there is no orderer
  ///   group.
  package func checkCapabilitiesSupported() throws(ConfigError) {
    guard let orderer else {
      throw ConfigError(.invalid, "config does not contain orderer config")
    }
    do { try orderer.capabilities.checkSupported() } catch {
      throw error.during("config requires unsupported orderer capabilities")
    }
    do { try channel.capabilities.checkSupported() } catch {
      throw error.during("config requires unsupported channel capabilities")
    }
  }
}

extension ConfigBundle {
  /// The policies that nodes ask for but the config does not define. Everything they guard is refused, so
  /// they are worth a warning. Fabric: `LogSanityChecks`.
  package var missingPolicies: [String] {
    var names = [PolicyPath.channelReaders, PolicyPath.channelWriters]
    if application != nil {
      names += [
        PolicyPath.applicationReaders, PolicyPath.applicationWriters,
        PolicyPath.applicationAdmins,
      ]
    }
    if orderer != nil {
      names += [
        PolicyPath.blockValidation, PolicyPath.channelOrdererAdmins,
        PolicyPath.channelOrdererWriters, PolicyPath.channelOrdererReaders,
      ]
    }
    return names.filter { policyManager.policy($0) == nil }
  }
}

/// The groups right below the channel group.
private struct SubGroups {
  var orderer: OrdererGroupConfig?
  var application: ApplicationGroupConfig?
  var consortiums: ConsortiumsGroupConfig?

  init(
    _ root: Common_ConfigGroup, channel: ChannelCapabilities, msps: inout MSPRegistry
  ) throws(ConfigError) {
    for (name, group) in root.sortedGroups {
      do throws(ConfigError) {
        switch name {
        case ConfigKey.application:
          application = try ApplicationGroupConfig(group, msps: &msps)
        case ConfigKey.orderer:
          orderer = try OrdererGroupConfig(group, channel: channel, msps: &msps)
        case ConfigKey.consortiums:
          consortiums = try ConsortiumsGroupConfig(group, msps: &msps)
        default: throw ConfigError(.invalid, "Disallowed channel group: \(name)")
        }
      } catch {
        throw error.during("could not create channel \(name) sub-group config")
      }
    }
  }
}
