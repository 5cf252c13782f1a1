// An MSP folder as the definition that goes into a channel's configuration.

import FabricProtos
import Foundation
import Storage

/// Loads MSP folders. Fabric: `msp/configbuilder.go` (`GetVerifyingMspConfig`).
package enum MSPDirectory {
  /// The definition of the MSP in `directory`, which is known as `mspID`: byte for byte what Fabric's
  /// tools make of the same folder.
  package static func verifyingConfig(
    directory: String, mspID: String
  ) throws(MembershipError) -> Msp_MSPConfig {
    var notices: [String] = []
    return try verifyingConfig(directory: directory, mspID: mspID, notices: &notices)
  }

  /// The same; `notices` gets a line for every file that was passed over.
  package static func verifyingConfig(
    directory: String, mspID: String, notices: inout [String]
  ) throws(MembershipError) -> Msp_MSPConfig {
    let folder = MSPFolder(path: directory, subject: "MSP '\(mspID)'")
    var config = Msp_MSPConfig()
    config.type = 0
    do {
      config.config = try fabricConfig(folder, mspID: mspID, notices: &notices).serializedData()
    } catch let error as MembershipError {
      throw error
    } catch {
      throw folder.problem("its definition cannot be serialized (\(error))")
    }
    return config
  }

  /// The definition in `folder`, without a signing identity.
  static func fabricConfig(
    _ folder: MSPFolder, mspID: String, notices: inout [String]
  ) throws(MembershipError) -> Msp_FabricMSPConfig {
    try folder.checkExistence()
    var config = Msp_FabricMSPConfig()
    config.name = mspID
    guard let roots = try folder.pemFiles("cacerts", notices: &notices) else {
      throw folder.problem(
        "the msp folder has no folder 'cacerts' ('\(folder.path("cacerts"))' does not exist)")
    }
    guard !roots.isEmpty else {
      throw folder.problem(
        "no CA certificate found in '\(folder.path("cacerts"))'; add the root CA's certificate in "
          + "PEM to the msp folder")
    }
    config.rootCerts = data(roots)
    config.admins = data(try folder.pemFiles("admincerts", notices: &notices))
    config.intermediateCerts = data(try folder.pemFiles("intermediatecerts", notices: &notices))
    config.tlsRootCerts = data(try folder.pemFiles("tlscacerts", notices: &notices))
    if !config.tlsRootCerts.isEmpty {
      config.tlsIntermediateCerts = data(
        try folder.pemFiles("tlsintermediatecerts", notices: &notices))
    }
    config.revocationList = data(try folder.pemFiles("crls", notices: &notices))
    config.cryptoConfig.signatureHashFamily = "SHA2"
    config.cryptoConfig.identityIdentifierHashFunction = "SHA256"

    let settings = try MSPFolderConfiguration(folder)
    for unit in settings.organizationalUnitIdentifiers {
      var identifier = Msp_FabricOUIdentifier()
      identifier.certificate = Data(
        try folder.contents(
          of: folder.path(unit.certificate ?? ""),
          what: "the certificate of an organizational unit"))
      identifier.organizationalUnitIdentifier = unit.organizationalUnitIdentifier ?? ""
      config.organizationalUnitIdentifiers.append(identifier)
    }
    if let nodeOUs = settings.nodeOUs, nodeOUs.enable {
      config.fabricNodeOus = units(nodeOUs, folder: folder, notices: &notices)
    }
    return config
  }

  private static func units(
    _ settings: MSPFolderConfiguration.NodeOUs, folder: MSPFolder, notices: inout [String]
  ) -> Msp_FabricNodeOUs {
    var units = Msp_FabricNodeOUs()
    units.enable = true
    if let unit = unit(settings.client, "ClientOU", folder, &notices) {
      units.clientOuIdentifier = unit
    }
    if let unit = unit(settings.peer, "PeerOU", folder, &notices) {
      units.peerOuIdentifier = unit
    }
    if let unit = unit(settings.admin, "AdminOU", folder, &notices) {
      units.adminOuIdentifier = unit
    }
    if let unit = unit(settings.orderer, "OrdererOU", folder, &notices) {
      units.ordererOuIdentifier = unit
    }
    return units
  }

  /// A unit that has a name. A certificate that cannot be read leaves the unit open to every CA of the
  /// MSP, as in Fabric, which is why there is a notice.
  private static func unit(
    _ settings: MSPFolderConfiguration.Unit?, _ what: String, _ folder: MSPFolder,
    _ notices: inout [String]
  ) -> Msp_FabricOUIdentifier? {
    guard let settings, let name = settings.organizationalUnitIdentifier, !name.isEmpty else {
      return nil
    }
    var identifier = Msp_FabricOUIdentifier()
    identifier.organizationalUnitIdentifier = name
    if let certificate = settings.certificate, !certificate.isEmpty {
      let path = folder.path(certificate)
      do {
        identifier.certificate = Data(
          try BoundedFile.read(path, limit: MSPFolder.maximumFileSize))
      } catch {
        notices.append(
          "the certificate of \(what) at '\(path)' cannot be read (\(MSPFolder.words(error))): "
            + "the unit is accepted from every CA of the MSP")
      }
    }
    return identifier
  }

  private static func data(_ files: [[UInt8]]?) -> [Data] {
    (files ?? []).map { Data($0) }
  }
}
