// The MSPs that the organizations of a channel config define. Fabric: channelconfig/msp.

import FabricProtos
import Membership

/// Collects the MSPs of a channel config while it is read. Organizations may appear in several
/// places, always with the same definition.
struct MSPRegistry {
  private let version: MSPVersion
  private var msps: [String: MSP] = [:]
  /// MSPs by definition: the same organization costs its set-up once.
  private var known: [Msp_MSPConfig: MSP] = [:]

  init(version: MSPVersion) { self.version = version }

  /// Takes the definition of an organization.
  ///
  /// - Returns: the ID of the MSP.
  /// - Throws: ``ConfigError`` if the MSP cannot be set up, has no ID, or was already defined in
  ///   another way.
  mutating func add(_ config: Msp_MSPConfig, organization: String) throws(ConfigError) -> String {
    if let msp = known[config] { return msp.identifier }
    let msp: MSP
    do { msp = try MSP(config: config, version: version) } catch {
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
    return identifier
  }

  /// The manager of all MSPs that were taken.
  ///
  /// - Throws: ``ConfigError`` if there can be none.
  func manager() throws(ConfigError) -> MSPManager {
    do {
      return try MSPManager(msps: msps.sorted { $0.key < $1.key }.map(\.value))
    } catch {
      throw ConfigError(.invalid, "setting up the MSP manager failed: \(error)")
    }
  }
}
