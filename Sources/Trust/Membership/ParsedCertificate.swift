// An X.509 certificate taken apart once: the raw parts chains are built of, and what they mean.

import FabricCrypto
import Foundation
import SwiftASN1
import X509

/// A certificate. Names are kept in DER, since issuers are matched byte by byte (as Go does), and the
/// whole is kept as it came, since identities are compared byte by byte.
final class ParsedCertificate: Sendable {
  /// Certificates larger than this many bytes are refused unread.
  static let maximumSize = 64 * 1024

  let der: [UInt8]
  /// The part that is signed.
  let tbs: ArraySlice<UInt8>
  let version: Int
  /// The serial number's digits without leading zeros.
  let serialNumber: [UInt8]
  let signatureAlgorithm: CertificateSignatureAlgorithm
  let signatureAlgorithmDER: ArraySlice<UInt8>
  let signature: ArraySlice<UInt8>
  let issuer: ArraySlice<UInt8>
  let subject: ArraySlice<UInt8>
  let subjectName: DistinguishedName
  /// Seconds since 1970.
  let notBefore: Int64
  /// Seconds since 1970.
  let notAfter: Int64
  let subjectKey: SubjectKey
  let extensions: CertificateExtensions
  /// The key to check issued certificates with; nil unless this is a CA with a supported key.
  let authorityKey: AuthorityKey?

  var isCA: Bool { extensions.isCA }

  /// Reads a DER certificate. What follows the certificate, and what is not DER, is an error.
  init(der: [UInt8]) throws(CertificateProblem) {
    guard der.count <= Self.maximumSize else {
      throw CertificateProblem(
        "the certificate has \(der.count) bytes; the limit is \(Self.maximumSize)")
    }
    let parts: Parts
    do {
      parts = try Parts(der)
    } catch let problem as CertificateProblem {
      throw problem
    } catch {
      throw .malformed("the certificate", error)
    }
    let extensions = try CertificateExtensions(parts.extensions)
    self.der = der
    tbs = parts.tbs
    version = parts.version
    serialNumber = parts.serialNumber
    signatureAlgorithm = parts.signatureAlgorithm
    signatureAlgorithmDER = parts.signatureAlgorithmDER
    signature = parts.signature
    issuer = parts.issuer
    subject = parts.subject
    subjectName = parts.subjectName
    notBefore = parts.notBefore
    notAfter = parts.notAfter
    subjectKey = parts.subjectKey
    self.extensions = extensions
    authorityKey =
      extensions.isCA ? AuthorityKey(subjectPublicKeyInfo: parts.subjectKey.der) : nil
  }

  /// Reads the first PEM block of `pem`, whatever its type says, as Fabric does.
  convenience init(pem: some Collection<UInt8>) throws(CertificateProblem) {
    guard let (block, _) = PEM.decodeFirst(Array(pem)[...]) else {
      throw CertificateProblem("no PEM block found where a certificate is expected")
    }
    try self.init(der: block.der)
  }

  /// Whether this CA's key made `signature` over `bytes`.
  func verifies(
    _ signature: ArraySlice<UInt8>, over bytes: ArraySlice<UInt8>,
    algorithm: CertificateSignatureAlgorithm, allowSHA1: Bool = false
  ) -> Bool {
    authorityKey?.isValid(signature, over: bytes, algorithm: algorithm, allowSHA1: allowSHA1)
      ?? false
  }

  /// Whether `parent` may sign certificates and has signed this one.
  func isSigned(by parent: ParsedCertificate) -> Bool {
    switch parent.extensions.basicConstraints {
    case .authority: break
    case .notCA: return false
    case .absent: if parent.version == 3 { return false }
    }
    return parent.extensions.maySignCertificates
      && parent.verifies(signature, over: tbs, algorithm: signatureAlgorithm)
  }

  /// The certificate with its ECDSA signature in low-S form; itself if it already has that form.
  ///
  /// Both forms of a signature verify, so one certificate has two encodings; Fabric compares
  /// certificates byte by byte, and therefore first brings every one to the same form.
  /// Fabric: `msp/cert.go` (`sanitizeECDSASignedCert`).
  func withLowS(signedBy parent: ParsedCertificate) throws(CertificateProblem) -> ParsedCertificate
  {
    guard let parentKey = try? ECDSAPublicKey(subjectPublicKeyInfo: parent.subjectKey.der) else {
      return self
    }
    guard
      let canonical = ECDSASignatureFormat.canonicalized(signature, curve: parentKey.curve)
    else { throw CertificateProblem("the certificate's signature is malformed") }
    if signature.elementsEqual(canonical) { return self }
    var serializer = DER.Serializer()
    serializer.appendConstructedNode(identifier: .sequence) { serializer in
      serializer.serializeRawBytes(tbs)
      serializer.serializeRawBytes(signatureAlgorithmDER)
      serializer.appendPrimitiveNode(identifier: .bitString) { bytes in
        bytes.append(0)
        bytes.append(contentsOf: canonical)
      }
    }
    return try ParsedCertificate(der: serializer.serializedBytes)
  }

  /// The values of the subject's attributes of one type, in the order they stand.
  func subjectAttributes(_ type: ASN1ObjectIdentifier) -> [String] {
    subjectName.flatMap { $0 }.filter { $0.type == type }.compactMap { text(of: $0.value) }
  }

  /// Subject and serial number, for messages.
  var summary: String {
    let serial = hexadecimal(serialNumber)
    return "certificate subject=\(subjectName) serialnumber=\(serial.isEmpty ? "0" : serial)"
  }

  private func text(of value: RelativeDistinguishedName.Attribute.Value) -> String? {
    if let text = String(value) { return text }
    // The library does not read the older string types.
    var serializer = DER.Serializer()
    guard (try? serializer.serialize(ASN1Any(value))) != nil,
      let node = try? DER.parse(serializer.serializedBytes),
      case .primitive(let content) = node.content
    else { return nil }
    switch node.identifier {
    case .numericString, .visibleString: return String(decoding: content, as: UTF8.self)
    case .teletexString: return String(String.UnicodeScalarView(content.map { UnicodeScalar($0) }))
    case .bmpString: return String(bytes: content, encoding: .utf16BigEndian)
    default: return nil
    }
  }
}
