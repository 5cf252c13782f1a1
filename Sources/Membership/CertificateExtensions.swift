// The X.509 extensions that decide what a certificate may do, read as Go's `crypto/x509` reads them.

import SwiftASN1
import X509

/// What a certificate's extensions say. Extensions that decide nothing here are only checked for being
/// declared critical.
struct CertificateExtensions: Sendable {
  /// basicConstraints is there.
  var hasBasicConstraints = false
  /// basicConstraints says that this is a CA.
  var isCA = false
  /// How many intermediates may stand between this CA and a leaf; nil is any number.
  var maximumPathLength: Int?
  /// keyUsage is absent, empty, or has keyCertSign.
  var maySignCertificates = true
  /// nil without the extension, which then allows everything.
  var extendedKeyUsages: [ASN1ObjectIdentifier]?
  var subjectKeyIdentifier: [UInt8]?
  /// The value of subjectAltName in DER.
  var subjectAlternativeNamesDER: [UInt8]?
  var subjectAlternativeNames: [GeneralName] = []
  var nameConstraints: NameConstraints?
  /// A critical extension that this software does not understand.
  var unhandledCriticalExtension: ASN1ObjectIdentifier?

  init() {}

  init(_ extensions: [Certificate.Extension]) throws(CertificateProblem) {
    var seen: Set<ASN1ObjectIdentifier> = []
    for item in extensions {
      guard seen.insert(item.oid).inserted else {
        throw CertificateProblem("the certificate has the extension \(item.oid) twice")
      }
      let handled: Bool
      do {
        handled = try read(item)
      } catch {
        throw CertificateProblem("the certificate's extension \(item.oid) is malformed")
      }
      if item.critical, !handled, unhandledCriticalExtension == nil {
        unhandledCriticalExtension = item.oid
      }
    }
  }

  /// Takes over one extension; the answer is whether it was understood.
  private mutating func read(_ item: Certificate.Extension) throws -> Bool {
    switch item.oid {
    case .X509ExtensionID.basicConstraints:
      hasBasicConstraints = true
      if case .isCertificateAuthority(let length) = try BasicConstraints(item) {
        isCA = true
        if let length {
          guard length >= 0 else { throw CertificateProblem("negative path length") }
          maximumPathLength = length
        }
      }
      return true
    case .X509ExtensionID.keyUsage:
      let usage = try KeyUsage(item)
      maySignCertificates = usage.keyCertSign || usage == KeyUsage()
      return true
    case .X509ExtensionID.extendedKeyUsage:
      extendedKeyUsages = try DER.sequence(
        of: ASN1ObjectIdentifier.self, identifier: .sequence, rootNode: DER.parse(item.value))
      return true
    case .X509ExtensionID.subjectKeyIdentifier:
      subjectKeyIdentifier = Array(try SubjectKeyIdentifier(item).keyIdentifier)
      // RFC 5280 forbids a critical one, and Go refuses the certificate.
      if item.critical { throw CertificateProblem("subjectKeyIdentifier is critical") }
      return true
    case .X509ExtensionID.subjectAlternativeName:
      subjectAlternativeNamesDER = Array(item.value)
      subjectAlternativeNames = Array(try SubjectAlternativeNames(item))
      return subjectAlternativeNames.contains(where: NameConstraintRules.understands)
    case .X509ExtensionID.nameConstraints:
      let constraints = try NameConstraints(item)
      nameConstraints = constraints
      return (constraints.permittedSubtrees + constraints.excludedSubtrees)
        .allSatisfy(NameConstraintRules.understands)
    case .X509ExtensionID.authorityKeyIdentifier, .X509ExtensionID.authorityInformationAccess:
      // Neither decides anything here, but Go refuses certificates where they are critical.
      if item.critical { throw CertificateProblem("the extension must not be critical") }
      _ = try Parts.children(of: DER.parse(item.value), what: "extension")
      return true
    case [2, 5, 29, 31], [2, 5, 29, 32], [2, 5, 29, 33]:
      // CRL distribution points, policies and policy mappings put no limits on what an MSP uses
      // certificates for; they only have to be lists of structures.
      var entries = try Parts.children(of: DER.parse(item.value), what: "extension")
      while let entry = entries.next() { _ = try Parts.children(of: entry, what: "extension") }
      return true
    case [2, 5, 29, 36]:
      _ = try Parts.children(of: DER.parse(item.value), what: "policyConstraints")
      return true
    case [2, 5, 29, 54]:
      _ = try Parts.serialNumber(DER.parse(item.value))
      return true
    default:
      return false
    }
  }

  /// Whether a chain this certificate is part of may serve TLS servers. That is what Go's verifier asks
  /// of every chain unless told otherwise, and an MSP does not tell it otherwise.
  var allowsServerAuthentication: Bool {
    guard let usages = extendedKeyUsages, !usages.isEmpty else { return true }
    return usages.contains(.ExtendedKeyUsage.any) || usages.contains(.ExtendedKeyUsage.serverAuth)
  }
}
