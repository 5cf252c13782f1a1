// What a certificate's public key must be for the certificate to be one.

import Crypto
import SwiftASN1

/// The check of a SubjectPublicKeyInfo that comes with reading a certificate: an elliptic curve key is
/// a point on a curve that Fabric's networks know. Go: `crypto/x509` (`parsePublicKey`), which all
/// nodes must agree with on whether a certificate is well-formed. Keys of other kinds are left alone.
enum SubjectKey {
  private static let ellipticCurve: ASN1ObjectIdentifier = [1, 2, 840, 10045, 2, 1]
  private static let p224: ASN1ObjectIdentifier = [1, 3, 132, 0, 33]
  private static let p256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 3, 1, 7]
  private static let p384: ASN1ObjectIdentifier = [1, 3, 132, 0, 34]
  private static let p521: ASN1ObjectIdentifier = [1, 3, 132, 0, 35]

  /// - Throws: ``CertificateProblem``, or the parser's error for what is not DER.
  static func check(_ info: ASN1Node) throws {
    var fields = try Parts.children(of: info, what: "subjectPublicKeyInfo")
    var algorithm = try Parts.children(
      of: Parts.next(&fields, what: "algorithm"), what: "public key algorithm")
    guard try ASN1ObjectIdentifier(derEncoded: &algorithm) == ellipticCurve else { return }
    guard let curve = try? ASN1ObjectIdentifier(derEncoded: &algorithm) else {
      throw CertificateProblem("the certificate's public key does not name its elliptic curve")
    }
    let point = try ASN1BitString(derEncoded: &fields).bytes
    // The library has no P-224, and nothing verifies with such a key.
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
