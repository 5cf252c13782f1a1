// Whether the certificates that nodes use for TLS come from the CAs that a configuration names for it.

import FabricCrypto

/// The CAs that TLS certificates may come from.
package struct TLSAuthorities: Sendable {
  private let builder: ChainBuilder

  /// - Parameters:
  ///   - roots: Certificates in DER.
  ///   - intermediates: Certificates in DER.
  /// - Throws: ``TLSCertificateProblem`` if one of them is malformed.
  package init(
    roots: [[UInt8]], intermediates: [[UInt8]]
  ) throws(TLSCertificateProblem) {
    func pool(_ certificates: [[UInt8]], _ name: String) throws(TLSCertificateProblem)
      -> CertificatePool
    {
      var parsed: [ParsedCertificate] = []
      for der in certificates {
        do throws(CertificateProblem) { parsed.append(try ParsedCertificate(der: der)) } catch {
          throw .malformed("parsing tls \(name) certs: \(error)")
        }
      }
      return CertificatePool(parsed)
    }
    builder = ChainBuilder(
      roots: try pool(roots, "root"), intermediates: try pool(intermediates, "intermediate"))
  }

  /// Checks that a certificate has a chain to a root and may be used for TLS, by the rules of Go's
  /// `x509.Certificate.Verify`.
  ///
  /// - Parameter now: Seconds since 1970.
  /// - Throws: ``TLSCertificateProblem``. A certificate that is not valid now is refused for that alone,
  ///   whoever issued it.
  package func check(_ certificate: TLSCertificate, now: Int64) throws(TLSCertificateProblem) {
    let parsed = certificate.parsed
    guard parsed.notBefore <= now, now <= parsed.notAfter else { throw .expired }
    do throws(CertificateProblem) {
      try builder.checkServesTLS(parsed, as: .clientOrServer, at: now)
    } catch {
      throw .untrusted("\(error)")
    }
  }
}

/// A certificate that a node uses for TLS.
package struct TLSCertificate: Sendable {
  let parsed: ParsedCertificate

  /// Reads the first PEM block, whatever its type says and whatever follows, as Fabric does.
  ///
  /// - Throws: ``TLSCertificateProblem/malformed(_:)``
  package init(pem: [UInt8]) throws(TLSCertificateProblem) {
    do throws(CertificateProblem) { parsed = try ParsedCertificate(pem: pem) } catch {
      throw .malformed("\(error)")
    }
  }

  /// Reads a certificate in DER.
  ///
  /// - Throws: ``TLSCertificateProblem/malformed(_:)``
  package init(der: [UInt8]) throws(TLSCertificateProblem) {
    do throws(CertificateProblem) { parsed = try ParsedCertificate(der: der) } catch {
      throw .malformed("\(error)")
    }
  }

  /// The whole certificate.
  package var der: [UInt8] { parsed.der }

  /// The name of the node that it is for; nil if it names none.
  package var commonName: String? { parsed.subjectAttributes(.commonName).last }

  /// The last second at which it is valid, since 1970.
  package var notAfter: Int64 { parsed.notAfter }

  /// The serial number in decimal digits, as Go prints it; in hexadecimal if it is longer than any
  /// CA makes them.
  package var serialNumber: String {
    parsed.serialNumber.count <= 64
      ? Self.decimal(parsed.serialNumber) : "0x" + hexadecimal(parsed.serialNumber)
  }

  /// The key that the certificate is about: its SubjectPublicKeyInfo in DER.
  package var subjectPublicKeyInfo: [UInt8] { Array(parsed.subjectKey.der) }

  /// The decimal digits of a big-endian number.
  private static func decimal(_ bytes: [UInt8]) -> String {
    var digits: [UInt8] = [0]
    for byte in bytes {
      var carry = Int(byte)
      for index in digits.indices {
        carry += Int(digits[index]) * 256
        digits[index] = UInt8(carry % 10)
        carry /= 10
      }
      while carry > 0 {
        digits.append(UInt8(carry % 10))
        carry /= 10
      }
    }
    return digits.reversed().map { "\($0)" }.joined()
  }
}

/// What is wrong with a certificate for TLS.
package enum TLSCertificateProblem: Error, Equatable, CustomStringConvertible {
  case malformed(String)
  /// It is not valid now.
  case expired
  /// It has no chain to the CAs, or may not be used for TLS.
  case untrusted(String)

  /// The reason, in Go's words where tools may look for them.
  package var description: String {
    switch self {
    case .malformed(let reason): reason
    case .expired: "x509: certificate has expired or is not yet valid"
    case .untrusted(let reason): "x509: \(reason)"
    }
  }
}
