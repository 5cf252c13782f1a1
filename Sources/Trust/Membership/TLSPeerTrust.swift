// Whether the other side of a TLS connection is trusted, by the rules of Go's `crypto/tls`.

import FabricCrypto
import Foundation

/// The certificates that peers' chains must lead to, and the time at which they have to be valid.
///
/// Any certificate among the roots is trusted as it is, be it self-signed or not. A name counts only as a subject
/// alternative name, never as a common name.
package struct TLSPeerTrust: Sendable {
  /// What the peer does in the connection.
  package enum Role: Sendable {
    case client
    /// - Parameter host: The name or the address that was dialled, without brackets.
    case server(host: String)
  }

  /// Certificates that a peer may show. Go's chains have no more.
  static let maximumCertificates = 16

  private let roots: CertificatePool
  private let timeShift: Int64
  private let now: @Sendable () -> Int64

  /// - Parameters:
  ///   - roots: Each a certificate in DER, or PEM text of one or more.
  ///   - timeShift: How far back in time peers are looked at; what is not positive counts as zero.
  ///   - now: The time by which certificates are valid or not, in seconds since 1970.
  /// - Throws: ``TLSCertificateProblem/malformed(_:)`` if an element of `roots` holds no certificate, or one that
  ///   cannot be read.
  package init(
    roots: [[UInt8]], timeShift: Duration = .zero, now: @escaping @Sendable () -> Int64
  ) throws(TLSCertificateProblem) {
    var parsed: [ParsedCertificate] = []
    for root in roots {
      do throws(CertificateProblem) {
        for der in try Self.certificates(root) { parsed.append(try ParsedCertificate(der: der)) }
      } catch { throw .malformed("cannot read a root certificate for TLS: \(error)") }
    }
    self.roots = CertificatePool(parsed)
    self.timeShift = max(0, timeShift.components.seconds)
    self.now = now
  }

  private static func certificates(_ root: [UInt8]) throws(CertificateProblem) -> [[UInt8]] {
    // DER begins with the tag of a SEQUENCE, PEM with text.
    guard root.first != 0x30 else { return [root] }
    let found = PEM.decodeAll(root)
      .filter { $0.type == "CERTIFICATE" }.map(\.der)
    guard !found.isEmpty else { throw CertificateProblem("there is no PEM certificate") }
    return found
  }

  /// Why a peer is not trusted, in Go's words where tools may look for them; nil if it is.
  ///
  /// - Parameter chain: What the peer shows, in DER, its own certificate first.
  package func refusal(of chain: [[UInt8]], as role: Role) -> String? {
    guard let first = chain.first else { return "tls: no certificate was shown" }
    guard chain.count <= Self.maximumCertificates else {
      return "tls: \(chain.count) certificates were shown; the limit is \(Self.maximumCertificates)"
    }
    do throws(CertificateProblem) {
      let certificate = try ParsedCertificate(der: first)
      var others: [ParsedCertificate] = []
      for der in chain.dropFirst() { others.append(try ParsedCertificate(der: der)) }
      let time = now() - timeShift
      try checkValidity(of: certificate, at: time)
      let builder = ChainBuilder(roots: roots, intermediates: CertificatePool(others))
      switch role {
      case .client:
        try builder.checkServesTLS(certificate, as: .client, at: time)
      case .server(let host):
        try TLSServerName(host).check(certificate)
        try builder.checkServesTLS(certificate, as: .server, at: time)
      }
      return nil
    } catch {
      return "x509: \(error)"
    }
  }

  private func checkValidity(
    of certificate: ParsedCertificate, at time: Int64
  ) throws(CertificateProblem) {
    func text(_ seconds: Int64) -> String {
      Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
    guard time >= certificate.notBefore else {
      throw CertificateProblem(
        "certificate has expired or is not yet valid: current time \(text(time)) is before "
          + text(certificate.notBefore))
    }
    guard time <= certificate.notAfter else {
      throw CertificateProblem(
        "certificate has expired or is not yet valid: current time \(text(time)) is after "
          + text(certificate.notAfter))
    }
  }
}
