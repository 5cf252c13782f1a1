// The public key that a certificate is about, and what it must be for the certificate to be one.

import Crypto
import SwiftASN1

/// A certificate's SubjectPublicKeyInfo, checked. Go: `crypto/x509` (`parsePublicKey`); all nodes
/// must agree with it on whether a certificate is well-formed.
struct SubjectKey: Sendable {
  /// The families of keys that Fabric's rules tell apart.
  enum Algorithm: String, Sendable, Hashable {
    case ecdsa = "ECDSA"
    case rsa = "RSA"
    case ed25519 = "Ed25519"
    /// Certificates may hold such keys, but nobody signs with them.
    case unknown = "an unknown algorithm"
  }

  let algorithm: Algorithm
  /// The whole SubjectPublicKeyInfo in DER.
  let der: ArraySlice<UInt8>

  /// - Throws: ``CertificateProblem``, or the parser's error for what is not DER.
  init(_ info: ASN1Node) throws {
    guard info.identifier == .sequence else {
      throw CertificateProblem("the certificate's subjectPublicKeyInfo is malformed")
    }
    der = info.encodedBytes
    var fields = try Parts.children(of: info, what: "subjectPublicKeyInfo")
    var parameters = try Parts.children(
      of: Parts.next(&fields, what: "algorithm"), what: "public key algorithm")
    switch try ASN1ObjectIdentifier(derEncoded: &parameters) {
    case [1, 2, 840, 10045, 2, 1]:
      algorithm = .ecdsa
      let curve = try? ASN1ObjectIdentifier(derEncoded: &parameters)
      try EllipticCurve.check(ASN1BitString(derEncoded: &fields).bytes, on: curve)
    case [1, 2, 840, 113549, 1, 1, 1]:
      algorithm = .rsa
      guard let null = parameters.next(), null.identifier == .null else {
        throw CertificateProblem("the certificate's RSA key lacks its NULL parameters")
      }
      try Self.checkRSA(ASN1BitString(derEncoded: &fields).bytes)
    case [1, 3, 101, 112]:
      algorithm = .ed25519
      guard parameters.next() == nil else {
        throw CertificateProblem("the certificate's Ed25519 key has parameters, which it must not")
      }
      guard try ASN1BitString(derEncoded: &fields).bytes.count == 32 else {
        throw CertificateProblem("the certificate's Ed25519 key is not 32 bytes long")
      }
    default:
      algorithm = .unknown
    }
  }

  /// Checks for the modulus and the exponent, both above zero.
  private static func checkRSA(_ key: ArraySlice<UInt8>) throws {
    var numbers = try Parts.children(of: DER.parse(key), what: "RSA key")
    for _ in 0..<2 {
      guard try !Parts.serialNumber(Parts.next(&numbers, what: "number")).isEmpty else {
        throw CertificateProblem("a number of the certificate's RSA key is not above zero")
      }
    }
  }
}

/// The elliptic curves that certificates' keys may be on.
private enum EllipticCurve {
  static let p224: ASN1ObjectIdentifier = [1, 3, 132, 0, 33]
  static let p256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 3, 1, 7]
  static let p384: ASN1ObjectIdentifier = [1, 3, 132, 0, 34]
  static let p521: ASN1ObjectIdentifier = [1, 3, 132, 0, 35]

  /// Checks for an uncompressed point of a curve that Fabric's networks know.
  static func check(_ point: ArraySlice<UInt8>, on curve: ASN1ObjectIdentifier?) throws {
    guard let curve else {
      throw CertificateProblem("the certificate's public key does not name its elliptic curve")
    }
    // The library has no P-224, and nothing verifies with such a key here.
    guard curve != p224 else { return }
    guard [p256, p384, p521].contains(curve) else {
      throw CertificateProblem(
        "the certificate's public key is on an elliptic curve that is not supported (\(curve))")
    }
    guard point.first == 0x04, isPoint(point, on: curve) else {
      throw CertificateProblem("the certificate's public key is not a point of its elliptic curve")
    }
  }

  private static func isPoint(_ bytes: ArraySlice<UInt8>, on curve: ASN1ObjectIdentifier) -> Bool {
    switch curve {
    case p256: (try? P256.Signing.PublicKey(x963Representation: bytes)) != nil
    case p384: (try? P384.Signing.PublicKey(x963Representation: bytes)) != nil
    default: (try? P521.Signing.PublicKey(x963Representation: bytes)) != nil
    }
  }
}
