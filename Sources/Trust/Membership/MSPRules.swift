// What an MSP's definition amounts to: which certificates it accepts, and as what.

import FabricCrypto
import Foundation

/// The settled content of an MSP. It is filled step by step while the MSP is set up and constant
/// afterwards. Fabric: `msp/mspimpl.go`, `msp/mspimplvalidate.go`.
struct MSPRules: Sendable {
  var name: String
  var version: MSPVersion
  var keys: KeyRules
  var hash = ChainHash.sha256
  var chains = ChainBuilder(roots: CertificatePool(), intermediates: CertificatePool())
  /// CA certificates that have other CAs below them, and therefore issue no identities.
  var inferiorIssuers: Set<[UInt8]> = []
  var revocationLists: [RevocationList] = []
  /// If not empty, every identity needs one of these units, certified by one of the chains.
  var organizationalUnits: [String: Set<[UInt8]>] = [:]
  var nodeUnits = NodeOrganizationalUnits()
  /// Certificates of admins in DER, in low-S form.
  var admins: Set<[UInt8]> = []
  /// Certificates of CAs and admins in DER that 2.x nodes cannot read, with their summaries.
  var unreadableBy2x: [[UInt8]: String] = [:]

  /// The hash that identifies chains; a definition names one.
  enum ChainHash: Sendable {
    case sha256
    case sha384
  }

  /// Brings a certificate into the form in which certificates are compared, and finds its chain.
  ///
  /// A certificate that is signed with ECDSA must have a chain here already, since its form depends on
  /// the issuer's key; for others that is left to validation. Fabric: `sanitizeCert`.
  func admit(
    _ certificate: ParsedCertificate
  ) throws(CertificateProblem) -> (
    certificate: ParsedCertificate, chain: Result<[ParsedCertificate], CertificateProblem>
  ) {
    guard certificate.signatureAlgorithm.isECDSA else {
      return (certificate, chain(for: certificate))
    }
    if certificate.isCA, certificate.isSigned(by: certificate) {
      let root = try certificate.withLowS(signedBy: certificate)
      var builder = chains
      builder.roots = CertificatePool([root])
      _ = try builder.uniqueChain(for: root)
      return (root, chain(for: root))
    }
    let chain = try chains.uniqueChain(for: certificate)
    guard chain.count > 1, let issuer = chain.dropFirst().first else {
      throw CertificateProblem(
        "the certificate of a root CA is not signed by itself, or may not sign certificates")
    }
    let canonical = try certificate.withLowS(signedBy: issuer)
    return (canonical, .success([canonical] + chain.dropFirst()))
  }

  private func chain(
    for certificate: ParsedCertificate
  ) -> Result<[ParsedCertificate], CertificateProblem> {
    do throws(CertificateProblem) {
      return .success(try chains.uniqueChain(for: certificate))
    } catch {
      return .failure(error)
    }
  }

  /// Everything there is to say about an admitted certificate as an identity.
  func standing(
    of certificate: ParsedCertificate, chain: Result<[ParsedCertificate], CertificateProblem>
  ) -> IdentityStanding {
    var standing = IdentityStanding()
    do throws(CertificateProblem) {
      let chain = try identityChain(of: certificate, chain: chain)
      standing.certifiersIdentifier = identifier(ofChain: chain.dropFirst())
      standing.organizationalUnits = certificate.subjectAttributes(.organizationalUnit)
      try keys.checkIdentity(certificate)
      try checkRevocation(of: certificate, issuer: chain[1])
      try checkOrganizationalUnits(standing)
    } catch {
      standing.problem = error
    }
    standing.roles = roles(of: certificate, standing: standing)
    return standing
  }

  /// The chain of a certificate that may serve as an identity.
  /// Fabric: `getCertificationChainForBCCSPIdentity`.
  private func identityChain(
    of certificate: ParsedCertificate, chain: Result<[ParsedCertificate], CertificateProblem>
  ) throws(CertificateProblem) -> [ParsedCertificate] {
    guard !certificate.isCA else {
      throw CertificateProblem("the certificate of a CA cannot be used as an identity")
    }
    let chain = try chain.get()
    guard chain.count > 1 else {
      throw CertificateProblem("no CA stands above the certificate")
    }
    guard !inferiorIssuers.contains(chain[1].der) else {
      throw CertificateProblem(
        "the certificate was issued by a CA that has intermediate CAs below it; identities must "
          + "come from the lowest CA of a chain")
    }
    return chain
  }

  /// Fails if a revocation list of `issuer` has the certificate. Fabric: `validateCertAgainstChain`.
  func checkRevocation(
    of certificate: ParsedCertificate, issuer: ParsedCertificate
  ) throws(CertificateProblem) {
    guard let keyIdentifier = issuer.extensions.subjectKeyIdentifier else {
      throw CertificateProblem("the issuing CA's certificate has no subject key identifier")
    }
    for list in revocationLists {
      guard let authority = list.authorityKeyIdentifier else {
        throw CertificateProblem("a revocation list of the MSP has no authority key identifier")
      }
      // A list signed by another key revokes nothing.
      if authority == keyIdentifier, list.lists(certificate), list.isSigned(by: issuer) {
        throw CertificateProblem("the certificate has been revoked")
      }
    }
  }

  /// Fabric: `validateIdentityOUsV1`, `V11` and `V142`.
  private func checkOrganizationalUnits(_ standing: IdentityStanding) throws(CertificateProblem) {
    if !organizationalUnits.isEmpty {
      let found = standing.organizationalUnits.contains { name in
        organizationalUnits[name]?.contains(standing.certifiersIdentifier) ?? false
      }
      guard found else {
        throw CertificateProblem(
          standing.organizationalUnits.isEmpty
            ? "the certificate has no organizational unit, but the MSP asks for one"
            : "none of its organizational units \(standing.organizationalUnits) is known to the MSP"
        )
      }
    }
    try nodeUnits.check(
      standing.organizationalUnits, certifiersIdentifier: standing.certifiersIdentifier)
  }

  private func roles(of certificate: ParsedCertificate, standing: IdentityStanding) -> RoleSet {
    var roles: RoleSet = []
    // Admins were checked when the MSP was set up.
    if admins.contains(certificate.der) { roles.insert(RoleSet(.admin)) }
    guard standing.problem == nil else { return roles }
    roles.insert(RoleSet(.member))
    for role in [Role.client, .peer, .admin, .orderer]
    where nodeUnits.grants(role, to: standing.organizationalUnits) {
      roles.insert(RoleSet(role))
    }
    return roles
  }

  /// The hash over the certificates of a chain. Fabric: `getCertificationChainIdentifierFromChain`.
  func identifier(ofChain chain: some Collection<ParsedCertificate>) -> [UInt8] {
    switch hash {
    case .sha256: SHA256Digest.hash(chain.map { $0.der[...] })
    case .sha384: SHA384Digest.hash(chain.map { $0.der[...] })
    }
  }
}
