// The node's own MSP: its organization's definition and the identity it signs with.

import FabricCrypto
import FabricProtos
import Foundation

/// A local MSP folder, loaded. Fabric: `msp/configbuilder.go` (`GetLocalMspConfig`).
package struct LocalMSP: Sendable {
  /// The organization's MSP.
  package let msp: MSP
  /// The node's identity with its key.
  package let signer: SigningIdentity
  /// Files that were passed over, and other things an operator might want to know.
  package let notices: [String]

  /// Loads a folder with `signcerts`, `keystore`, `cacerts` and so on.
  ///
  /// - Parameters:
  ///   - directory: the folder, `General.LocalMSPDir`.
  ///   - mspID: the MSP's name, `General.LocalMSPID`.
  ///   - keyStoreDirectory: where private keys lie, `General.BCCSP.SW.FileKeyStore.KeyStore`; nil or
  ///     empty is `keystore` in the folder.
  ///   - version: the rules the MSP follows.
  ///   - now: the time at which the signing identity must not have expired.
  package init(
    directory: String, mspID: String, keyStoreDirectory: String? = nil,
    version: MSPVersion = .v1_4_3, now: Date
  ) throws(MembershipError) {
    let folder = MSPFolder(path: directory, subject: "the local MSP")
    guard !mspID.isEmpty else {
      throw folder.problem("the msp has no name; set General.LocalMSPID")
    }
    try folder.checkExistence()
    var notices: [String] = []
    let certificate = try Self.signingCertificate(folder, notices: &notices)
    let config = try MSPDirectory.fabricConfig(folder, mspID: mspID, notices: &notices)
    do {
      msp = try MSP(fabricConfig: config, version: version, keys: .ofLocalMSP)
    } catch {
      throw folder.problem("\(error)")
    }
    let keyStore: String
    if let keyStoreDirectory, !keyStoreDirectory.isEmpty {
      keyStore = keyStoreDirectory
    } else {
      keyStore = folder.path("keystore")
    }
    signer = try Self.signer(
      certificate: certificate, msp: msp, keyStore: KeyStore(path: keyStore), folder: folder,
      now: now)
    do {
      try msp.validate(signer.identity)
    } catch {
      // Fabric starts with such an identity too, although no node that checks accepts what it
      // signs.
      notices.append("the signing certificate in '\(folder.path("signcerts"))': \(error)")
    }
    if case .ed25519 = signer.identity.publicKey {
      notices.append(
        "the signing certificate in '\(folder.path("signcerts"))' has an Ed25519 key: what it signs is "
          + "accepted on channels with the capability V3_0 alone")
    }
    self.notices = notices
  }

  private static func signingCertificate(
    _ folder: MSPFolder, notices: inout [String]
  ) throws(MembershipError) -> [UInt8] {
    guard let certificates = try folder.pemFiles("signcerts", notices: &notices) else {
      throw folder.problem(
        "the msp folder has no folder 'signcerts' ('\(folder.path("signcerts"))' does not exist)")
    }
    guard let certificate = certificates.first else {
      throw folder.problem(
        "no signing certificate found in '\(folder.path("signcerts"))'; add the node's enrollment "
          + "certificate in PEM to the msp folder")
    }
    return certificate
  }

  private static func signer(
    certificate: [UInt8], msp: MSP, keyStore: KeyStore, folder: MSPFolder, now: Date
  ) throws(MembershipError) -> SigningIdentity {
    let signcerts = folder.path("signcerts")
    let signer: SigningIdentity?
    do {
      // The serialized identity holds the certificate alone, written anew, not the text of the file.
      let parsed = try msp.identity(fromCertificatePEM: certificate)
      let pem = PEM.encode(type: "CERTIFICATE", der: parsed.certificateDER)
      let identity = try msp.identity(fromCertificatePEM: pem)
      let key = try keyStore.privateKey(for: identity.publicKey)
      signer = SigningIdentity(identity: identity, certificatePEM: pem, privateKey: key)
    } catch let error as KeyStore.Failure {
      throw folder.problem("\(error)")
    } catch {
      throw folder.problem("the signing certificate in '\(signcerts)': \(error)")
    }
    guard let signer else {
      throw folder.problem(
        "the key found in '\(keyStore.path)' is not the signing certificate's")
    }
    if let expiry = signer.identity.expiresAt, expiry <= now {
      throw folder.problem(
        "the signing certificate in '\(signcerts)' expired \(Int(now.timeIntervalSince(expiry))) "
          + "seconds ago; renew it")
    }
    return signer
  }
}
