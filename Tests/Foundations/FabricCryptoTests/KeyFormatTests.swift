// The forms keys come in.

import Crypto
import Foundation
import TestSupport
import Testing
import _CryptoExtras

@testable import FabricCrypto

@Suite struct KeyFormatTests {
  static let fixtures = Repository.fixtures

  @Test func `public keys survive their DER form`() throws {
    for der in [
      P256.Signing.PrivateKey().publicKey.derRepresentation,
      P384.Signing.PrivateKey().publicKey.derRepresentation,
      P521.Signing.PrivateKey().publicKey.derRepresentation,
    ] {
      let key = try ECDSAPublicKey(derSubjectPublicKeyInfo: Array(der))
      #expect(key.subjectPublicKeyInfoDER == Array(der))
      #expect(try ECDSAPublicKey(derSubjectPublicKeyInfo: key.subjectPublicKeyInfoDER) == key)
      #expect(key.subjectKeyIdentifier == SHA256Digest.hash(key.uncompressedPoint))
    }
  }

  @Test func `other public keys are refused`() throws {
    let good = Array(P256.Signing.PrivateKey().publicKey.derRepresentation)
    var offCurve = good
    offCurve[offCurve.count - 1] ^= 1
    var compressed = good
    compressed[26] = 2
    let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048).publicKey.derRepresentation
    for der in [
      [], Array(good.dropLast()), good + [0], offCurve, compressed,
      Array(rsa), try Ed25519PrivateKey().publicKey.subjectPublicKeyInfoDER,
      [UInt8](repeating: 0x30, count: 200),
    ] {
      #expect(throws: FabricCrypto.CryptoError.self) {
        try ECDSAPublicKey(derSubjectPublicKeyInfo: der)
      }
    }
  }

  @Test func `a certificate's key is found without judging the certificate`() throws {
    let folder = Self.fixtures.appendingPathComponent("crypto/org1.test/users/user1")
    let certificate = try String(
      contentsOf: folder.appendingPathComponent("cert.pem"), encoding: .utf8)
    let key = try String(contentsOf: folder.appendingPathComponent("key.pem"), encoding: .utf8)
    let der = try #require(PEM.decodeAll(certificate).first).der
    let publicKey = try PublicKey(certificateDER: der)
    #expect(try PrivateKey(pem: Array(key.utf8)).publicKey == publicKey)
    #expect(throws: FabricCrypto.CryptoError.self) { try PublicKey(certificateDER: []) }
    #expect(throws: FabricCrypto.CryptoError.self) {
      try PublicKey(certificateDER: Array(der.dropLast()))
    }
  }

  @Test func `private keys come in PKCS 8`() throws {
    for curve in [ECDSACurve.p256, .p384, .p521] {
      let key = try ECDSAPrivateKey.generate(curve: curve)
      #expect(key.publicKey.curve == curve)
      let text = "Some text\n" + String(decoding: key.pkcs8PEM, as: UTF8.self)
      #expect(try ECDSAPrivateKey(pem: text).publicKey == key.publicKey)
    }
  }

  @Test func `private keys come in SEC 1 with parameters ahead`() throws {
    let p256 = P256.Signing.PrivateKey()
    let p384 = P384.Signing.PrivateKey()
    let cases: [(raw: Data, point: Data, oid: [UInt8])] = [
      (
        p256.rawRepresentation, p256.publicKey.x963Representation,
        [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
      ),
      (
        p384.rawRepresentation, p384.publicKey.x963Representation,
        [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22]
      ),
    ]
    for (raw, point, oid) in cases {
      let der = TestSignature.element(
        0x30,
        [0x02, 0x01, 0x01] + TestSignature.element(0x04, Array(raw))
          + TestSignature.element(0xA0, oid)
          + TestSignature.element(0xA1, TestSignature.element(0x03, [0] + Array(point))))
      let pem =
        PEM.encode(type: "EC PARAMETERS", der: oid) + PEM.encode(type: "EC PRIVATE KEY", der: der)
      #expect(try ECDSAPrivateKey(pem: pem).publicKey.uncompressedPoint == Array(point))
    }
  }

  @Test func `what is no usable private key is refused with the reason`() throws {
    func reason(_ pem: [UInt8]) -> String {
      do {
        _ = try ECDSAPrivateKey(pem: pem)
        return "accepted"
      } catch {
        return "\(error)"
      }
    }
    let key = try ECDSAPrivateKey.generate()
    #expect(reason([]).contains("no PEM block"))
    #expect(reason(PEM.encode(type: "CERTIFICATE", der: [1])).contains("PRIVATE KEY"))
    #expect(reason(PEM.encode(type: "PRIVATE KEY", der: [1, 2, 3])).contains("not an ECDSA key"))
    #expect(
      reason(PEM.encode(type: "ENCRYPTED PRIVATE KEY", der: [1])).contains("encrypted"))
    let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    #expect(reason(Array(rsa.pemRepresentation.utf8)).contains("not an ECDSA key"))
    let withHeader = String(decoding: key.pkcs8PEM, as: UTF8.self).replacing(
      "-----BEGIN PRIVATE KEY-----\n",
      with: "-----BEGIN PRIVATE KEY-----\nDEK-Info: AES-256-CBC,00\n\n")
    #expect(reason(Array(withHeader.utf8)).contains("encrypted"))
  }
}
