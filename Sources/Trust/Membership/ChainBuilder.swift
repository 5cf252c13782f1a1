// From a certificate to the root that vouches for it.

/// Certificates that may be found by subject. Adding one twice changes nothing.
struct CertificatePool: Sendable {
  private(set) var certificates: [ParsedCertificate] = []
  private var members: Set<Bytes> = []
  private var bySubject: [Bytes: [Int]] = [:]

  /// Bytes that are hashed at once instead of one by one.
  private struct Bytes: Hashable {
    let content: ArraySlice<UInt8>

    func hash(into hasher: inout Hasher) {
      content.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
  }

  init(_ certificates: [ParsedCertificate] = []) {
    for certificate in certificates {
      guard members.insert(Bytes(content: certificate.der[...])).inserted else { continue }
      bySubject[Bytes(content: certificate.subject), default: []].append(self.certificates.count)
      self.certificates.append(certificate)
    }
  }

  func contains(_ certificate: ParsedCertificate) -> Bool {
    members.contains(Bytes(content: certificate.der[...]))
  }

  /// The certificates whose subject is the issuer of `child`.
  func issuers(of child: ParsedCertificate) -> [ParsedCertificate] {
    bySubject[Bytes(content: child.issuer)]?.map { certificates[$0] } ?? []
  }
}

/// Builds and checks chains by the rules of Go's `x509.Certificate.Verify`, which Fabric's MSPs
/// rely on. Times are not checked against the clock but against one second after the beginning of
/// the first certificate's validity (Fabric: `getValidityOptsForCert`), so an expired identity
/// still has a chain, and a certificate issued outside of its CA's validity has none.
struct ChainBuilder: Sendable {
  var roots: CertificatePool
  var intermediates: CertificatePool

  /// No chain is longer than this, the first certificate and the root included.
  static let maximumLength = 16
  /// No more signatures than this are verified for one certificate, as in Go.
  static let maximumSignatureChecks = 100

  /// The one chain from `certificate` (first) to a root (last). Having more than one is as much an error
  /// as having none: it would not be clear which CA answers for the identity.
  func uniqueChain(for certificate: ParsedCertificate) throws(CertificateProblem)
    -> [ParsedCertificate]
  {
    var search = Search(
      builder: self, time: certificate.notBefore.addingReportingOverflow(1).partialValue)
    try search.checkValidity(of: certificate, below: [], isIntermediate: false)
    if roots.contains(certificate) {
      search.chains = [[certificate]]
    } else {
      search.extend([certificate])
    }
    guard !search.chains.isEmpty else {
      throw search.problem
        ?? CertificateProblem("the certificate is signed by an unknown authority")
    }
    // If no chain remains, the problem of the first one refused is reported.
    var refusal: CertificateProblem?
    var accepted: [[ParsedCertificate]] = []
    for chain in search.chains {
      do throws(CertificateProblem) {
        guard chain.allSatisfy(\.extensions.allowsServerAuthentication) else {
          throw CertificateProblem(
            "the certificate or a CA above it has extended key usages without server authentication"
          )
        }
        try NameConstraintRules.check(chain)
        accepted.append(chain)
      } catch {
        refusal = refusal ?? error
      }
    }
    guard let chain = accepted.first else {
      throw refusal ?? CertificateProblem("no chain is acceptable")
    }
    guard accepted.count == 1 else {
      throw CertificateProblem(
        "an MSP supports a single validation chain, but the certificate has \(accepted.count)")
    }
    try NameConstraintRules.checkLegacy(chain)
    return chain
  }

  /// What all certificates of a chain have to allow.
  enum TLSUse {
    case client
    case server
    case clientOrServer

    func isAllowed(by chain: [ParsedCertificate]) -> Bool {
      self != .server && chain.allSatisfy(\.extensions.allowsClientAuthentication)
        || self != .client && chain.allSatisfy(\.extensions.allowsServerAuthentication)
    }
  }

  /// Checks that a chain leads from `certificate` to a root at a time, in seconds since 1970, and that
  /// all of it may be used like this (Go: `x509.Certificate.Verify` with one usage or two).
  func checkServesTLS(
    _ certificate: ParsedCertificate, as use: TLSUse, at time: Int64
  ) throws(CertificateProblem) {
    var search = Search(builder: self, time: time)
    try search.checkValidity(of: certificate, below: [], isIntermediate: false)
    if roots.contains(certificate) {
      search.chains = [[certificate]]
    } else {
      search.extend([certificate])
    }
    var refusal = search.problem
    for chain in search.chains {
      do throws(CertificateProblem) {
        guard use.isAllowed(by: chain) else {
          throw CertificateProblem("certificate specifies an incompatible key usage")
        }
        try NameConstraintRules.check(chain)
        return
      } catch { refusal = refusal ?? error }
    }
    throw refusal ?? CertificateProblem("certificate signed by unknown authority")
  }

  /// One search through the pools.
  private struct Search {
    let builder: ChainBuilder
    let time: Int64
    var chains: [[ParsedCertificate]] = []
    /// The first reason a candidate was turned down for.
    var problem: CertificateProblem?
    var signatureChecks = 0

    /// Adds to `chains` all that begin with `chain`.
    mutating func extend(_ chain: [ParsedCertificate]) {
      guard let child = chain.last, chain.count < ChainBuilder.maximumLength else { return }
      for root in builder.roots.issuers(of: child)
      where accepts(root, for: child, above: chain, isIntermediate: false) {
        chains.append(chain + [root])
      }
      for intermediate in builder.intermediates.issuers(of: child)
      where accepts(intermediate, for: child, above: chain, isIntermediate: true) {
        extend(chain + [intermediate])
      }
    }

    private mutating func accepts(
      _ parent: ParsedCertificate, for child: ParsedCertificate, above chain: [ParsedCertificate],
      isIntermediate: Bool
    ) -> Bool {
      signatureChecks += 1
      guard signatureChecks <= ChainBuilder.maximumSignatureChecks,
        !chain.contains(where: { isSameEntity($0, parent) })
      else { return false }
      guard child.isSigned(by: parent) else {
        problem =
          problem
          ?? CertificateProblem(
            "the certificate is not signed by the CA it names, or that CA may not sign certificates"
          )
        return false
      }
      do throws(CertificateProblem) {
        try checkValidity(of: parent, below: chain, isIntermediate: isIntermediate)
        return true
      } catch {
        problem = problem ?? error
        return false
      }
    }

    /// Checks one certificate that would stand above `chain`.
    func checkValidity(
      of certificate: ParsedCertificate, below chain: [ParsedCertificate], isIntermediate: Bool
    ) throws(CertificateProblem) {
      let extensions = certificate.extensions
      if let unknown = extensions.unhandledCriticalExtension {
        throw CertificateProblem("unhandled critical extension \(unknown)")
      }
      guard time >= certificate.notBefore else {
        throw CertificateProblem("the certificate was issued before its CA became valid")
      }
      guard time <= certificate.notAfter else {
        throw CertificateProblem(
          chain.isEmpty
            ? "the certificate's validity ends before it begins"
            : "the certificate was issued after its CA had expired")
      }
      if isIntermediate, !extensions.isCA {
        throw CertificateProblem("an intermediate certificate is not authorized to sign")
      }
      if case .authority(let limit?) = extensions.basicConstraints, chain.count - 1 > limit {
        throw CertificateProblem("too many intermediates for the path length constraint of a CA")
      }
    }

    /// The same subject with the same key and the same alternative names.
    private func isSameEntity(_ left: ParsedCertificate, _ right: ParsedCertificate) -> Bool {
      left.subject == right.subject && left.subjectKey.der == right.subjectKey.der
        && left.extensions.subjectAlternativeNamesDER
          == right.extensions.subjectAlternativeNamesDER
    }
  }
}
