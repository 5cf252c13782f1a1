// Whether the certificate of a TLS client is good, by the rules of Go's `crypto/tls`.

import FabricCrypto

extension TLSAuthorities {
  /// Certificates that a client may show; Go's limit is one of bytes only.
  private static let maximumShown = 32

  /// The CAs in these PEM texts. As in Go (`CertPool.AppendCertsFromPEM`), what is no certificate is passed over, and so
  /// is one that cannot be read.
  package init(clientRoots texts: [[UInt8]]) {
    let blocks = texts.flatMap { PEM.decodeAll($0) }
      .filter { $0.type == "CERTIFICATE" && $0.headers.isEmpty }
    builder = ChainBuilder(
      roots: CertificatePool(blocks.compactMap { try? ParsedCertificate(der: $0.der) }),
      intermediates: CertificatePool())
  }

  /// Checks that a client's certificate has a chain to a root, through the others that it shows, and is meant for
  /// clients.
  ///
  /// - Parameters:
  ///   - shown: The client's certificates in DER, its own first.
  ///   - now: Seconds since 1970.
  /// - Throws: ``TLSCertificateProblem``.
  package func check(client shown: [[UInt8]], now: Int64) throws(TLSCertificateProblem) {
    guard let own = shown.first else { throw .malformed("there is no certificate") }
    guard shown.count <= Self.maximumShown else {
      throw .malformed("there are \(shown.count) certificates, more than \(Self.maximumShown)")
    }
    let leaf: ParsedCertificate
    var others: [ParsedCertificate] = []
    do throws(CertificateProblem) {
      leaf = try ParsedCertificate(der: own)
      for der in shown.dropFirst() { others.append(try ParsedCertificate(der: der)) }
    } catch {
      throw .malformed("\(error)")
    }
    guard leaf.notBefore <= now, now <= leaf.notAfter else { throw .expired }
    let builder = ChainBuilder(roots: builder.roots, intermediates: CertificatePool(others))
    do throws(CertificateProblem) {
      try builder.checkServesTLS(leaf, as: .client, at: now)
    } catch {
      throw .untrusted("\(error)")
    }
  }
}
