// From an MSP's definition to its rules, with every check Fabric makes on the way.

import FabricCrypto
import FabricProtos
import Foundation
import SwiftASN1

extension MSPRules {
  /// Definitions with more certificates or lists of one kind than this are refused.
  static let maximumEntries = 4096

  /// Sets up the rules of a definition in Fabric's order, so that of several mistakes both report the
  /// same one. Fabric: `msp/mspimplsetup.go` (`setupV1`, `setupV11`, `setupV142`, `setupV3`).
  init(
    _ config: Msp_FabricMSPConfig, version: MSPVersion, keys: KeyRules
  ) throws(CertificateProblem) {
    name = config.name
    self.version = version
    self.keys = keys
    try checkSizes(config)
    try setUpHashes(config.cryptoConfig)
    let roots = try setUpAuthorities(config)
    var admins: [ParsedCertificate] = []
    if version < .v1_4_3 { admins = try readAdmins(config) }
    try setUpRevocationLists(config)
    try checkAuthorities()
    try checkTLSAuthorities(config)
    try setUpOrganizationalUnits(config, roots)
    if config.hasFabricNodeOus, version >= .v1_1 {
      nodeUnits = try NodeOrganizationalUnits(config.fabricNodeOus, version: version) {
        (certificate) throws(CertificateProblem) in
        try certifiersIdentifier(of: certificate, roots)
      }
    }
    if version >= .v1_4_3 {
      admins = try readAdmins(config)
      guard !admins.isEmpty || (nodeUnits.isEnforced && nodeUnits.unit(of: .admin) != nil) else {
        throw CertificateProblem(
          "administrators must be declared when no admin ou classification is set: add "
            + "certificates to admincerts or an AdminOUIdentifier to NodeOUs")
      }
    }
    try checkAdmins(admins)
    self.admins = Set(admins.map(\.der))
    for certificate in chains.roots.certificates + chains.intermediates.certificates + admins
    where KeyRules.is2xUnable(toRead: certificate) {
      unreadableBy2x[certificate.der] = certificate.summary
    }
  }

  private func checkSizes(_ config: Msp_FabricMSPConfig) throws(CertificateProblem) {
    let counts = [
      ("CA certificates", config.rootCerts.count),
      ("intermediate CA certificates", config.intermediateCerts.count),
      ("admin certificates", config.admins.count),
      ("revocation lists", config.revocationList.count),
      ("TLS CA certificates", config.tlsRootCerts.count),
      ("TLS intermediate CA certificates", config.tlsIntermediateCerts.count),
      ("organizational units", config.organizationalUnitIdentifiers.count),
    ]
    for (what, count) in counts where count > Self.maximumEntries {
      throw CertificateProblem("\(count) \(what); the limit is \(Self.maximumEntries)")
    }
  }

  private mutating func setUpHashes(_ config: Msp_FabricCryptoConfig) throws(CertificateProblem) {
    switch config.signatureHashFamily {
    case "", "SHA2": break
    case let family:
      throw CertificateProblem(
        "crypto_config.signature_hash_family '\(family)' is not supported; use SHA2")
    }
    switch config.identityIdentifierHashFunction {
    case "", "SHA256": hash = .sha256
    case "SHA384": hash = .sha384
    case let function:
      throw CertificateProblem(
        "crypto_config.identity_identifier_hash_function '\(function)' is not supported; use "
          + "SHA256 or SHA384")
    }
  }

  /// Root CAs that were admitted, by their certificates as the definition has them. Admitting one is most
  /// of the cost of setting up an MSP, and a definition repeats them for each organizational unit.
  private typealias AdmittedRoots = [Data: ParsedCertificate]

  /// Fabric: `setupCAs`.
  private mutating func setUpAuthorities(
    _ config: Msp_FabricMSPConfig
  ) throws(CertificateProblem) -> AdmittedRoots {
    guard !config.rootCerts.isEmpty else {
      throw CertificateProblem("expected at least one CA certificate")
    }
    let roots = try Self.certificates(config.rootCerts, what: "CA certificate")
    let intermediates = try Self.certificates(
      config.intermediateCerts, what: "intermediate CA certificate")
    for authority in roots + intermediates { try Self.checkAuthority(authority) }
    // These pools hold the certificates as they came. They serve to find the issuers, whose keys bring
    // the certificates to low-S form.
    chains = ChainBuilder(
      roots: CertificatePool(roots), intermediates: CertificatePool(intermediates))
    var canonicalRoots: [ParsedCertificate] = []
    for root in roots {
      canonicalRoots.append(try admitted(root, what: "CA certificate"))
    }
    var canonicalIntermediates: [ParsedCertificate] = []
    for intermediate in intermediates {
      canonicalIntermediates.append(
        try admitted(intermediate, what: "intermediate CA certificate"))
    }
    chains = ChainBuilder(
      roots: CertificatePool(canonicalRoots),
      intermediates: CertificatePool(canonicalIntermediates))
    // A root is admitted by itself alone, so it does not matter that the pools have changed.
    return AdmittedRoots(zip(config.rootCerts, canonicalRoots)) { first, _ in first }
  }

  private func admitted(
    _ certificate: ParsedCertificate, what: String
  ) throws(CertificateProblem) -> ParsedCertificate {
    do throws(CertificateProblem) {
      try keys.checkDefined(certificate)
      return try admit(certificate).certificate
    } catch {
      throw error.during("\(what) (\(certificate.summary))")
    }
  }

  private static func certificates(
    _ pems: [Data], what: String
  ) throws(CertificateProblem) -> [ParsedCertificate] {
    var certificates: [ParsedCertificate] = []
    for (index, pem) in pems.enumerated() {
      do throws(CertificateProblem) {
        certificates.append(try ParsedCertificate(pem: pem))
      } catch {
        throw error.during("\(what) \(index + 1) of \(pems.count)")
      }
    }
    return certificates
  }

  private static func checkAuthority(
    _ certificate: ParsedCertificate
  ) throws(CertificateProblem) {
    guard certificate.isCA else {
      throw CertificateProblem("a CA certificate lacks the CA attribute (\(certificate.summary))")
    }
    guard certificate.extensions.subjectKeyIdentifier != nil else {
      throw CertificateProblem(
        "a CA certificate lacks the subject key identifier (\(certificate.summary))")
    }
  }

  private mutating func setUpRevocationLists(
    _ config: Msp_FabricMSPConfig
  ) throws(CertificateProblem) {
    for (index, bytes) in config.revocationList.enumerated() {
      do throws(CertificateProblem) {
        revocationLists.append(try RevocationList(Array(bytes)))
      } catch {
        throw error.during("revocation list \(index + 1) of \(config.revocationList.count)")
      }
    }
  }

  /// Fabric: `finalizeSetupCAs`.
  private mutating func checkAuthorities() throws(CertificateProblem) {
    for authority in chains.roots.certificates + chains.intermediates.certificates {
      let chain = try checkedChain(of: authority, builder: chains)
      if chains.intermediates.contains(authority) {
        for superior in chain.dropFirst() { inferiorIssuers.insert(superior.der) }
      }
    }
  }

  /// Fabric: `setupTLSCAs`.
  private func checkTLSAuthorities(_ config: Msp_FabricMSPConfig) throws(CertificateProblem) {
    let roots = try Self.certificates(config.tlsRootCerts, what: "TLS CA certificate")
    let intermediates = try Self.certificates(
      config.tlsIntermediateCerts, what: "TLS intermediate CA certificate")
    let builder = ChainBuilder(
      roots: CertificatePool(roots), intermediates: CertificatePool(intermediates))
    for authority in roots + intermediates {
      do throws(CertificateProblem) {
        try Self.checkAuthority(authority)
        _ = try checkedChain(of: authority, builder: builder)
      } catch {
        throw error.during("TLS CA certificate")
      }
    }
  }

  /// The chain of a CA, which must exist and must not be revoked.
  private func checkedChain(
    of authority: ParsedCertificate, builder: ChainBuilder
  ) throws(CertificateProblem) -> [ParsedCertificate] {
    do throws(CertificateProblem) {
      let chain = try builder.uniqueChain(for: authority)
      if let issuer = chain.dropFirst().first {
        try checkRevocation(of: authority, issuer: issuer)
      }
      return chain
    } catch {
      throw error.during("the CA certificate is not valid (\(authority.summary))")
    }
  }

  /// Fabric: `setupOUs`.
  private mutating func setUpOrganizationalUnits(
    _ config: Msp_FabricMSPConfig, _ roots: AdmittedRoots
  ) throws(CertificateProblem) {
    for unit in config.organizationalUnitIdentifiers {
      do throws(CertificateProblem) {
        organizationalUnits[unit.organizationalUnitIdentifier, default: []].insert(
          try certifiersIdentifier(of: unit.certificate, roots))
      } catch {
        throw error.during("organizational unit '\(unit.organizationalUnitIdentifier)'")
      }
    }
  }

  /// The hash of the chain from a CA certificate upwards. The certificate must be one of the MSP's.
  /// Fabric: `getCertifiersIdentifier`.
  private func certifiersIdentifier(
    of pem: Data, _ roots: AdmittedRoots
  ) throws(CertificateProblem) -> [UInt8] {
    let authority: ParsedCertificate
    if let root = roots[pem] {
      authority = root
    } else {
      authority = try admit(ParsedCertificate(pem: pem)).certificate
    }
    if chains.roots.contains(authority) { return identifier(ofChain: [authority]) }
    guard chains.intermediates.contains(authority) else {
      throw CertificateProblem(
        "the certifying CA is neither a root nor an intermediate CA of the MSP "
          + "(\(authority.summary))")
    }
    let chain = try chains.uniqueChain(for: authority)
    guard !inferiorIssuers.contains(authority.der) else {
      throw CertificateProblem(
        "the certifying CA has intermediate CAs below it and issues no identities "
          + "(\(authority.summary))")
    }
    return identifier(ofChain: chain)
  }

  private func readAdmins(
    _ config: Msp_FabricMSPConfig
  ) throws(CertificateProblem) -> [ParsedCertificate] {
    var admins: [ParsedCertificate] = []
    for certificate in try Self.certificates(config.admins, what: "admin certificate") {
      admins.append(try admitted(certificate, what: "admin certificate"))
    }
    return admins
  }

  /// From here on admins are known by their certificates alone, so they are checked now.
  /// Fabric: `postSetupV1`, `postSetupV11`, `postSetupV142`.
  private func checkAdmins(_ admins: [ParsedCertificate]) throws(CertificateProblem) {
    for (index, admin) in admins.enumerated() {
      let standing = standing(of: admin, chain: try admit(admin).chain)
      let problem: CertificateProblem?
      if !nodeUnits.isEnforced {
        problem = standing.problem
      } else if version >= .v1_4_3 {
        let isFit = [Role.client, .admin].contains {
          nodeUnits.grants($0, to: standing.organizationalUnits)
        }
        problem =
          isFit
          ? nil
          : standing.problem
            ?? CertificateProblem("it has neither the organizational unit of admins nor of clients")
      } else {
        problem =
          standing.problem
          ?? (standing.roles.contains(.client)
            ? nil : CertificateProblem("it lacks the organizational unit of clients"))
      }
      if let problem {
        throw problem.during("admin \(index + 1) is invalid (\(admin.summary))")
      }
    }
  }
}

extension ASN1ObjectIdentifier {
  /// The attributes OU and CN of a name.
  static let organizationalUnit: ASN1ObjectIdentifier = [2, 5, 4, 11]
  static let commonName: ASN1ObjectIdentifier = [2, 5, 4, 3]
}
