// Organizational units that tell clients, peers, admins and orderers apart ("NodeOUs").

import FabricProtos
import Foundation

/// The units of one MSP. Fabric: `msp/mspimplsetup.go` (`setupNodeOUs`, `setupNodeOUsV142`).
struct NodeOrganizationalUnits: Sendable {
  /// One unit, and which CAs may put it into certificates.
  struct Unit: Sendable {
    var name: String
    /// The hash of the chain that must stand above the identity; empty allows every chain.
    var certifiersIdentifier: [UInt8]
  }

  /// Whether identities must carry exactly one of the units.
  var isEnforced = false
  private var units: [Role: Unit] = [:]

  /// No units: nothing is enforced, nobody is classified.
  init() {}

  /// Reads the units of a definition. `certifiers` hashes the chain from a CA certificate upwards.
  init(
    _ message: Msp_FabricNodeOUs, version: MSPVersion,
    certifiers: (Data) throws(CertificateProblem) -> [UInt8]
  ) throws(CertificateProblem) {
    isEnforced = message.enable
    var entries: [(Role, Msp_FabricOUIdentifier)] = []
    if message.hasClientOuIdentifier { entries.append((.client, message.clientOuIdentifier)) }
    if message.hasPeerOuIdentifier { entries.append((.peer, message.peerOuIdentifier)) }
    if version >= .v1_4_3 {
      if message.hasAdminOuIdentifier { entries.append((.admin, message.adminOuIdentifier)) }
      if message.hasOrdererOuIdentifier {
        entries.append((.orderer, message.ordererOuIdentifier))
      }
      if entries.isEmpty { isEnforced = false }
    } else {
      for role in [Role.client, .peer] {
        guard
          entries.contains(where: { $0.0 == role && !$0.1.organizationalUnitIdentifier.isEmpty })
        else {
          throw CertificateProblem(
            "NodeOUs: the organizational unit of \(role) is missing, which MSPs of version "
              + "\(version) need")
        }
      }
    }
    for (role, entry) in entries {
      units[role] = Unit(
        name: entry.organizationalUnitIdentifier,
        certifiersIdentifier: entry.certificate.isEmpty
          ? [] : try certifiers(entry.certificate))
    }
  }

  /// The unit of a role, if it is defined.
  func unit(of role: Role) -> Unit? {
    units[role]
  }

  /// Whether an identity with these organizational units has `role`. Only the unit's name counts here;
  /// validation has checked the rest.
  func grants(_ role: Role, to organizationalUnits: [String]) -> Bool {
    guard isEnforced, let unit = units[role] else { return false }
    return organizationalUnits.contains(unit.name)
  }

  /// Checks that the units of an identity name exactly one role.
  func check(
    _ organizationalUnits: [String], certifiersIdentifier: [UInt8]
  ) throws(CertificateProblem) {
    guard isEnforced else { return }
    // If two roles share a name, the later one decides, as in Fabric.
    var byName: [String: Unit] = [:]
    for role in [Role.client, .peer, .admin, .orderer] {
      if let unit = units[role] { byName[unit.name] = unit }
    }
    var matches = 0
    for name in organizationalUnits {
      guard let unit = byName[name] else { continue }
      guard
        unit.certifiersIdentifier.isEmpty || unit.certifiersIdentifier == certifiersIdentifier
      else {
        throw CertificateProblem(
          "the organizational unit '\(name)' was certified by another CA than the one the MSP "
            + "defines for it")
      }
      matches += 1
      if matches > 1 { break }
    }
    let known = byName.keys.sorted().joined(separator: ", ")
    guard matches > 0 else {
      throw CertificateProblem(
        "none of its organizational units \(organizationalUnits) is one of those that define a "
          + "role (\(known))")
    }
    guard matches == 1 else {
      throw CertificateProblem(
        "its organizational units \(organizationalUnits) define more than one role; there must be "
          + "exactly one of (\(known))")
    }
  }
}
