// Certificate revocation lists, as far as an MSP looks at them.

import FabricCrypto
import SwiftASN1
import X509

/// The serial numbers of the certificates that a CA has revoked. Reasons and dates do not matter: what is
/// on the list is revoked from the moment the list is part of the configuration.
struct RevocationList: Sendable {
  private let tbs: ArraySlice<UInt8>
  private let signature: ArraySlice<UInt8>
  private let algorithm: CertificateSignatureAlgorithm
  private let serialNumbers: Set<[UInt8]>
  /// The key that signed the list, as the list itself says; nil if it does not say.
  let authorityKeyIdentifier: [UInt8]?

  /// Reads a list in PEM or DER.
  init(_ bytes: [UInt8]) throws(CertificateProblem) {
    let der = PEM.decodeFirst(bytes[...])?.block.der ?? bytes
    do {
      try self.init(der: der)
    } catch let problem as CertificateProblem {
      throw problem
    } catch {
      throw .malformed("the revocation list", error)
    }
  }

  private init(der: [UInt8]) throws {
    var outer = try Parts.children(of: DER.parse(der), what: "revocation list")
    let tbsNode = try Parts.next(&outer, what: "tbsCertList")
    algorithm = try CertificateSignatureAlgorithm(
      algorithmIdentifier: Parts.next(&outer, what: "signatureAlgorithm"))
    signature = try ASN1BitString(derEncoded: &outer).bytes
    tbs = tbsNode.encodedBytes

    var fields = try Parts.children(of: tbsNode, what: "tbsCertList")
    var field = try Parts.next(&fields, what: "signature")
    if field.identifier == .integer { field = try Parts.next(&fields, what: "signature") }
    _ = try CertificateSignatureAlgorithm(algorithmIdentifier: field)
    _ = try DistinguishedName(derEncoded: Parts.next(&fields, what: "issuer"))
    _ = try Parts.time(Parts.next(&fields, what: "thisUpdate"))

    var serialNumbers: Set<[UInt8]> = []
    var authorityKeyIdentifier: [UInt8]?
    while let field = fields.next() {
      switch field.identifier {
      case UTCTime.defaultIdentifier, GeneralizedTime.defaultIdentifier:
        _ = try Parts.time(field)
      case .sequence:
        var entries = try Parts.children(of: field, what: "revokedCertificates")
        while let entry = entries.next() {
          var parts = try Parts.children(of: entry, what: "revoked certificate")
          let serial = try Parts.next(&parts, what: "serial number")
          // A certificate with a negative serial number is never accepted, so none needs revoking.
          if let number = try? Parts.serialNumber(serial) { serialNumbers.insert(number) }
        }
      case ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific):
        authorityKeyIdentifier = try Self.authorityKeyIdentifier(inExtensions: field)
      default:
        throw CertificateProblem("the revocation list has an unknown field")
      }
    }
    self.serialNumbers = serialNumbers
    self.authorityKeyIdentifier = authorityKeyIdentifier
  }

  private static func authorityKeyIdentifier(inExtensions node: ASN1Node) throws -> [UInt8]? {
    var wrapped = try Parts.children(ofAny: node, what: "crlExtensions")
    var list = try Parts.children(
      of: Parts.next(&wrapped, what: "crlExtensions"), what: "crlExtensions")
    while let item = list.next() {
      let item = try Certificate.Extension(derEncoded: item)
      guard item.oid == .X509ExtensionID.authorityKeyIdentifier else { continue }
      return try AuthorityKeyIdentifier(item).keyIdentifier.map { Array($0) } ?? []
    }
    return nil
  }

  /// Whether the serial number of `certificate` is listed.
  func lists(_ certificate: ParsedCertificate) -> Bool {
    serialNumbers.contains(certificate.serialNumber)
  }

  /// Whether `authority` signed the list.
  func isSigned(by authority: ParsedCertificate) -> Bool {
    authority.verifies(signature, over: tbs, algorithm: algorithm, allowSHA1: true)
  }
}
