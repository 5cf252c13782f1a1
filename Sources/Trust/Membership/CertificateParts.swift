// The fields of a certificate's ASN.1, in the order RFC 5280 gives them.

import Foundation
import GoText
import SwiftASN1
import X509

/// The fields that parsing a certificate yields, before anything is checked against rules.
struct Parts {
  var tbs: ArraySlice<UInt8>
  var version: Int
  var serialNumber: [UInt8]
  var signatureAlgorithm: CertificateSignatureAlgorithm
  var signatureAlgorithmDER: ArraySlice<UInt8>
  var signature: ArraySlice<UInt8>
  var issuer: ArraySlice<UInt8>
  var subject: ArraySlice<UInt8>
  var subjectName: DistinguishedName
  var notBefore: Int64
  var notAfter: Int64
  var subjectKey: SubjectKey
  var extensions: [Certificate.Extension]

  /// No certificate needs more extensions than this.
  private static let maximumExtensions = 128

  init(_ der: [UInt8]) throws {
    var outer = try Self.children(of: DER.parse(der), what: "certificate")
    let tbsNode = try Self.next(&outer, what: "tbsCertificate")
    let outerAlgorithm = try Self.next(&outer, what: "signatureAlgorithm")
    let signatureBits = try ASN1BitString(derEncoded: &outer)
    guard signatureBits.paddingBits == 0 else {
      throw CertificateProblem("the certificate's signature is not a whole number of bytes")
    }
    tbs = tbsNode.encodedBytes
    signature = signatureBits.bytes
    signatureAlgorithmDER = outerAlgorithm.encodedBytes
    signatureAlgorithm = try CertificateSignatureAlgorithm(algorithmIdentifier: outerAlgorithm)

    var fields = try Self.children(of: tbsNode, what: "tbsCertificate")
    let number = try DER.decodeDefaultExplicitlyTagged(
      &fields, tagNumber: 0, tagClass: .contextSpecific, defaultValue: 0)
    guard (0...2).contains(number) else {
      throw CertificateProblem("the certificate's version is unknown")
    }
    version = number + 1
    serialNumber = try Self.serialNumber(Self.next(&fields, what: "serialNumber"))
    let innerAlgorithm = try Self.next(&fields, what: "signature")
    guard innerAlgorithm.encodedBytes == outerAlgorithm.encodedBytes else {
      throw CertificateProblem(
        "the certificate names one signature algorithm inside and another outside")
    }
    let issuerNode = try Self.next(&fields, what: "issuer")
    _ = try DistinguishedName(derEncoded: issuerNode)
    issuer = issuerNode.encodedBytes
    var validity = try Self.children(of: Self.next(&fields, what: "validity"), what: "validity")
    notBefore = try Self.time(Self.next(&validity, what: "notBefore"))
    notAfter = try Self.time(Self.next(&validity, what: "notAfter"))
    let subjectNode = try Self.next(&fields, what: "subject")
    subjectName = try DistinguishedName(derEncoded: subjectNode)
    subject = subjectNode.encodedBytes
    subjectKey = try SubjectKey(Self.next(&fields, what: "subjectPublicKeyInfo"))

    extensions = []
    while let field = fields.next() {
      // Nothing uses the unique identifiers [1] and [2] of version 2.
      guard field.identifier.tagClass == .contextSpecific else {
        throw CertificateProblem("the certificate has an unknown field")
      }
      guard field.identifier.tagNumber == 3, version == 3, extensions.isEmpty else { continue }
      var wrapped = try Self.children(ofAny: field, what: "extensions")
      var list = try Self.children(
        of: Self.next(&wrapped, what: "extensions"), what: "extensions")
      while let item = list.next() {
        guard extensions.count < Self.maximumExtensions else {
          throw CertificateProblem(
            "the certificate has more than \(Self.maximumExtensions) extensions")
        }
        extensions.append(try Certificate.Extension(derEncoded: item))
      }
    }
  }

  /// The fields of a SEQUENCE.
  static func children(
    of node: ASN1Node, what: String
  ) throws -> ASN1NodeCollection.Iterator {
    guard node.identifier == .sequence else {
      throw CertificateProblem("malformed \(what)")
    }
    return try children(ofAny: node, what: what)
  }

  static func children(
    ofAny node: ASN1Node, what: String
  ) throws -> ASN1NodeCollection.Iterator {
    guard case .constructed(let children) = node.content else {
      throw CertificateProblem("malformed \(what)")
    }
    return children.makeIterator()
  }

  static func next(
    _ fields: inout ASN1NodeCollection.Iterator, what: String
  ) throws -> ASN1Node {
    guard let node = fields.next() else { throw CertificateProblem("\(what) is missing") }
    return node
  }

  /// A non-negative INTEGER's digits without leading zeros.
  static func serialNumber(_ node: ASN1Node) throws -> [UInt8] {
    guard node.identifier == .integer, case .primitive(let content) = node.content,
      let first = content.first, first & 0x80 == 0
    else { throw CertificateProblem("malformed or negative serial number") }
    if first == 0, let second = content.dropFirst().first, second & 0x80 == 0 {
      throw CertificateProblem("the serial number is not minimally encoded")
    }
    return Array(content.drop { $0 == 0 })
  }

  /// A UTCTime or GeneralizedTime in seconds since 1970.
  static func time(_ node: ASN1Node) throws -> Int64 {
    if node.identifier == UTCTime.defaultIdentifier {
      let time = try UTCTime(derEncoded: node)
      return CivilTime.secondsSince1970(
        year: time.year, month: time.month, day: time.day, hour: time.hours, minute: time.minutes,
        second: time.seconds)
    }
    let time = try GeneralizedTime(derEncoded: node)
    return CivilTime.secondsSince1970(
      year: time.year, month: time.month, day: time.day, hour: time.hours, minute: time.minutes,
      second: time.seconds)
  }
}
