// The MSPs that the organizations of a channel config define. Fabric: channelconfig/msp.

import FabricProtos
import Foundation
import Membership
import Synchronization

/// Collects the MSPs of a channel config while it is read. An organization may appear in several
/// places, always with the same definition.
struct MSPRegistry {
  private let version: MSPVersion
  private var msps: [String: MSP] = [:]
  /// MSPs by definition, so that each organization is set up once.
  private var known: [Msp_MSPConfig: MSP] = [:]

  init(version: MSPVersion) { self.version = version }

  /// Takes the definition of an organization.
  ///
  /// - Returns: the MSP.
  /// - Throws: ``ConfigError`` if the MSP cannot be set up, has no ID, or was already defined in
  ///   another way.
  mutating func add(_ config: Msp_MSPConfig, organization: String) throws(ConfigError) -> MSP {
    if let msp = known[config] { return msp }
    let msp: MSP
    do { msp = try SharedMSPs.msp(config, version) } catch {
      throw ConfigError(
        .invalid, "setting up the MSP of organization \(organization) failed: \(error)")
    }
    let identifier = msp.identifier
    guard msps[identifier] == nil else {
      throw ConfigError(
        .invalid, "Attempted to define two different versions of MSP: \(identifier)")
    }
    guard !identifier.isEmpty else {
      throw ConfigError(.invalid, "MSP for org \(organization) has empty MSP ID")
    }
    msps[identifier] = msp
    known[config] = msp
    return msp
  }

  /// The manager of all MSPs that were taken.
  ///
  /// - Throws: ``ConfigError`` if there can be none, or if an MSP follows other rules than those that
  ///   the channel's capabilities choose: nodes would disagree about identities, so the channel ends.
  func manager() throws(ConfigError) -> MSPManager {
    for (identifier, msp) in msps where msp.version != version || msp.identifier != identifier {
      throw ConfigError(
        .invalid,
        "internal error: MSP \(identifier) was set up as \(msp.identifier) by the rules of "
          + "\(msp.version) instead of \(version)")
    }
    do {
      return try MSPManager(msps: msps.sorted { $0.key < $1.key }.map(\.value))
    } catch {
      throw ConfigError(.invalid, "setting up the MSP manager failed: \(error)")
    }
  }
}

/// The MSPs of this process's channels by definition: most organizations are in many channels, and
/// setting one up costs a hundred times what comparing its definition does.
private enum SharedMSPs {
  /// How many MSPs are kept. One more empties the store.
  private static let maximumCount = 1_024

  private struct Key: Hashable {
    let type: Int32
    let version: MSPVersion
    let config: Data

    func hash(into hasher: inout Hasher) {
      // Definitions that differ also differ at their ends.
      hasher.combine(config.count)
      hasher.combine(config.suffix(64).map(\.self))
    }
  }

  private static let known = Mutex<[Key: MSP]>([:])

  static func msp(_ config: Msp_MSPConfig, _ version: MSPVersion) throws(MembershipError) -> MSP {
    let key = Key(type: config.type, version: version, config: config.config)
    if let msp = known.withLock({ $0[key] }) { return msp }
    let msp = try MSP(config: config, version: version)
    known.withLock { known in
      if known.count >= maximumCount { known.removeAll() }
      known[key] = msp
    }
    return msp
  }
}
