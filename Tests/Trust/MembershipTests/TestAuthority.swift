// A CA made for one test, with certificates as good or as bad as the test wants them.

import Crypto
import FabricCrypto
import FabricProtos
import Foundation
import SwiftASN1
import Testing
import X509
import _CryptoExtras

@testable import Membership

/// What to put into a certificate.
struct CertificateRequest {
  var commonName = "someone"
  var units: [String] = []
  var isCA = false
  var pathLength: Int?
  var basicConstraints = true
  var keyUsage: KeyUsage? = KeyUsage(digitalSignature: true)
  var extendedKeyUsage: [ExtendedKeyUsage.Usage]?
  var subjectKeyIdentifier = true
  var extra: [Certificate.Extension] = []
  var notBefore = Date(timeIntervalSince1970: 1_700_000_000)
  var notAfter = Date(timeIntervalSince1970: 2_300_000_000)

  static func user(_ name: String = "someone", units: [String] = []) -> Self {
    Self(commonName: name, units: units)
  }

  static func authority(_ name: String) -> Self {
    Self(
      commonName: name, isCA: true,
      keyUsage: KeyUsage(digitalSignature: true, keyCertSign: true, cRLSign: true))
  }
}

struct TestAuthority {
  let certificate: Certificate
  let key: Certificate.PrivateKey

  /// A self-signed CA.
  init(
    _ request: CertificateRequest = .authority("root"),
    key: Certificate.PrivateKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
  ) throws {
    self.key = key
    let name = try Self.name(request)
    certificate = try Self.make(
      request, subject: name, publicKey: key.publicKey, issuer: name, issuerKey: key)
  }

  private init(certificate: Certificate, key: Certificate.PrivateKey) {
    self.certificate = certificate
    self.key = key
  }

  /// A certificate for `key` that this CA signs.
  func issue(
    _ request: CertificateRequest,
    key: Certificate.PrivateKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
  ) throws -> TestAuthority {
    TestAuthority(
      certificate: try Self.make(
        request, subject: Self.name(request), publicKey: key.publicKey,
        issuer: certificate.subject, issuerKey: self.key),
      key: key)
  }

  var der: [UInt8] {
    var serializer = DER.Serializer()
    // A certificate that was made or parsed serializes.
    try? serializer.serialize(certificate)
    return serializer.serializedBytes
  }

  var pem: [UInt8] { PEM.encode(type: "CERTIFICATE", der: der) }

  func serialized(_ mspID: String = "TestMSP") -> [UInt8] {
    SerializedIdentity.serialize(mspID: mspID, certificatePEM: pem)
  }

  /// A revocation list with these certificates, in PEM.
  func revocationList(
    _ revoked: [TestAuthority], signedBy signer: TestAuthority? = nil, withIdentifier: Bool = true
  ) throws -> [UInt8] {
    let algorithm: [UInt8] = [
      0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02,
    ]
    let time = element(0x17, Array("240101000000Z".utf8))
    var issuer = DER.Serializer()
    try issuer.serialize(certificate.subject)
    let entries = revoked.flatMap { revoked in
      element(0x30, integer(Array(revoked.certificate.serialNumber.bytes)) + time)
    }
    var tbs =
      integer([1]) + algorithm + issuer.serializedBytes + time + time
      + (revoked.isEmpty ? [] : element(0x30, entries))
    if withIdentifier, let identifier = try certificate.extensions.subjectKeyIdentifier {
      let item = try Certificate.Extension(
        AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier), critical: false)
      var serializer = DER.Serializer()
      try serializer.serialize(item)
      tbs += element(0xA0, element(0x30, serializer.serializedBytes))
    }
    let signed = element(0x30, tbs)
    let privateKey = try ECDSAPrivateKey(pem: (signer ?? self).key.serializeAsPEM().pemString)
    let signature = try privateKey.sign(signed[...])
    return PEM.encode(
      type: "X509 CRL", der: element(0x30, signed + algorithm + element(0x03, [0] + signature)))
  }

  private static func name(_ request: CertificateRequest) throws -> DistinguishedName {
    var attributes = [
      RelativeDistinguishedName(
        .init(type: .RDNAttributeType.organizationName, utf8String: "Test"))
    ]
    for unit in request.units {
      attributes.append(
        RelativeDistinguishedName(
          .init(type: .RDNAttributeType.organizationalUnitName, utf8String: unit)))
    }
    attributes.append(
      RelativeDistinguishedName(
        .init(type: .RDNAttributeType.commonName, utf8String: request.commonName)))
    return DistinguishedName(attributes)
  }

  private static func make(
    _ request: CertificateRequest, subject: DistinguishedName, publicKey: Certificate.PublicKey,
    issuer: DistinguishedName, issuerKey: Certificate.PrivateKey
  ) throws -> Certificate {
    var extensions = Certificate.Extensions()
    if request.basicConstraints {
      try extensions.append(
        Certificate.Extension(
          request.isCA
            ? BasicConstraints.isCertificateAuthority(maxPathLength: request.pathLength)
            : .notCertificateAuthority, critical: true))
    }
    if let usage = request.keyUsage {
      try extensions.append(Certificate.Extension(usage, critical: true))
    }
    if let usages = request.extendedKeyUsage {
      try extensions.append(
        Certificate.Extension(ExtendedKeyUsage(usages), critical: false))
    }
    if request.subjectKeyIdentifier {
      try extensions.append(
        Certificate.Extension(SubjectKeyIdentifier(hash: publicKey), critical: false))
    }
    for item in request.extra { try extensions.append(item) }
    return try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
      notValidBefore: request.notBefore, notValidAfter: request.notAfter, issuer: issuer,
      subject: subject, extensions: extensions, issuerPrivateKey: issuerKey)
  }
}

/// A DER element.
func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
  if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
  if content.count < 0x100 { return [tag, 0x81, UInt8(content.count)] + content }
  return [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
}

/// A DER INTEGER of unsigned digits.
func integer(_ digits: [UInt8]) -> [UInt8] {
  let digits = Array(digits.drop { $0 == 0 })
  return element(0x02, (digits.first ?? 0x80) & 0x80 != 0 ? [0] + digits : digits)
}

/// A definition under construction.
struct TestDefinition {
  var config = Msp_FabricMSPConfig()

  init(
    roots: [TestAuthority], intermediates: [TestAuthority] = [], admins: [TestAuthority] = []
  ) {
    config.name = "TestMSP"
    config.rootCerts = roots.map { Data($0.pem) }
    config.intermediateCerts = intermediates.map { Data($0.pem) }
    config.admins = admins.map { Data($0.pem) }
  }

  /// Turns on all four units, named after their roles; `certifier` is the CA that must stand above.
  func withUnits(certifier: TestAuthority? = nil) -> TestDefinition {
    func unit(_ name: String) -> Msp_FabricOUIdentifier {
      var unit = Msp_FabricOUIdentifier()
      unit.organizationalUnitIdentifier = name
      if let certifier { unit.certificate = Data(certifier.pem) }
      return unit
    }
    var copy = self
    copy.config.fabricNodeOus.enable = true
    copy.config.fabricNodeOus.clientOuIdentifier = unit("client")
    copy.config.fabricNodeOus.peerOuIdentifier = unit("peer")
    copy.config.fabricNodeOus.adminOuIdentifier = unit("admin")
    copy.config.fabricNodeOus.ordererOuIdentifier = unit("orderer")
    return copy
  }

  func msp(_ version: MSPVersion = .v1_4_3) throws -> MSP {
    try MSP(fabricConfig: config, version: version)
  }

  func manager(_ version: MSPVersion = .v1_4_3) throws -> MSPManager {
    try MSPManager(msps: [msp(version)])
  }
}
