// The X.509 extensions that decide what a certificate may do, read as Go's `crypto/x509` reads them.

import SwiftASN1
import X509

/// What a certificate's extensions say. Of extensions that decide nothing here, it only matters
/// whether they are critical.
struct CertificateExtensions: Sendable {
  /// What basicConstraints says.
  enum BasicConstraints: Sendable {
    /// The extension is not there.
    case absent
    case notCA
    /// The path length is how many intermediates may stand between this CA and a leaf; nil is any
    /// number.
    case authority(maximumPathLength: Int?)
  }

  var basicConstraints = BasicConstraints.absent
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

  /// Takes over one extension; returns whether it was understood.
  private mutating func read(_ item: Certificate.Extension) throws -> Bool {
    switch item.oid {
    case .X509ExtensionID.basicConstraints:
      switch try X509.BasicConstraints(item) {
      case .isCertificateAuthority(let length):
        if let length, length < 0 { throw CertificateProblem("negative path length") }
        basicConstraints = .authority(maximumPathLength: length)
      case .notCertificateAuthority: basicConstraints = .notCA
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
    default:
      return try isWellFormed(item)
    }
  }

  /// Checks an extension that decides nothing here, as far as Go looks at it; returns whether it was
  /// understood.
  private func isWellFormed(_ item: Certificate.Extension) throws -> Bool {
    switch item.oid {
    case .X509ExtensionID.authorityKeyIdentifier:
      // Go refuses certificates where it is critical.
      if item.critical { throw CertificateProblem("the extension must not be critical") }
      _ = try Parts.children(of: DER.parse(item.value), what: "authorityKeyIdentifier")
    case .X509ExtensionID.authorityInformationAccess:
      if item.critical { throw CertificateProblem("the extension must not be critical") }
      try checkEntries(item, identifiers: 1)
    case [2, 5, 29, 31]:
      // CRL distribution points and policies put no limits on what an MSP uses certificates for; they
      // only have to be well-formed.
      try checkEntries(item, identifiers: 0)
    case [2, 5, 29, 32]: try checkEntries(item, identifiers: 1)
    case [2, 5, 29, 33]: try checkEntries(item, identifiers: 2)
    case [2, 5, 29, 36]:
      _ = try Parts.children(of: DER.parse(item.value), what: "policyConstraints")
    case [2, 5, 29, 54]: _ = try Parts.serialNumber(DER.parse(item.value))
    default: return false
    }
    return true
  }

  /// Checks for a list of structures that each begin with this many object identifiers.
  private func checkEntries(_ item: Certificate.Extension, identifiers: Int) throws {
    var entries = try Parts.children(of: DER.parse(item.value), what: "extension")
    while let entry = entries.next() {
      var parts = try Parts.children(of: entry, what: "extension")
      for _ in 0..<identifiers { _ = try ASN1ObjectIdentifier(derEncoded: &parts) }
    }
  }

  /// Whether basicConstraints says that this is a CA.
  var isCA: Bool {
    if case .authority = basicConstraints { true } else { false }
  }

  /// Whether a chain with this certificate may serve TLS servers. Go's verifier asks that of every chain
  /// unless told otherwise, and MSPs do not tell it otherwise.
  var allowsServerAuthentication: Bool { allows(.ExtendedKeyUsage.serverAuth) }

  /// Whether a chain with this certificate may serve TLS clients.
  var allowsClientAuthentication: Bool { allows(.ExtendedKeyUsage.clientAuth) }

  private func allows(_ usage: ASN1ObjectIdentifier) -> Bool {
    guard let usages = extendedKeyUsages, !usages.isEmpty else { return true }
    return usages.contains(.ExtendedKeyUsage.any) || usages.contains(usage)
  }
}
