// The node's own MSP folder.

import Crypto
import FabricCrypto
import Foundation
import Testing
import X509
import _CryptoExtras

@testable import Membership

@Suite struct LocalMSPTests {
  static let fixture = "crypto/orderer.test/nodes/node1/msp"

  @Test func `a node's folder gives its MSP and its signer`() throws {
    let local = try LocalMSP(
      directory: Fixtures.path(Self.fixture), mspID: "OrdererMSP", now: Date())
    #expect(local.msp.identifier == "OrdererMSP")
    #expect(local.notices == [])
    #expect(local.signer.mspID == "OrdererMSP")
    #expect(local.signer.identity.roles.contains(.orderer))
    let parts = [Array("ab".utf8)[...], Array("c".utf8)[...]]
    let signature = try local.signer.sign(parts)
    let manager = try MSPManager(msps: [local.msp])
    let identity = try manager.validIdentity(serialized: local.signer.serializedIdentity[...])
    #expect(identity.verify(message: Array("abc".utf8)[...], signature: signature[...]))
    let parsed = try SerializedIdentity(local.signer.serializedIdentity[...])
    #expect(parsed.certificatePEM == local.signer.certificatePEM)
    #expect(try parsed.certificatePEM == Fixtures.bytes(Self.fixture + "/signcerts/cert.pem"))
  }

  @Test func `the key is found by its identifier, by its content, or in another key store`() throws
  {
    let folder = try TestFolder.copy(Self.fixture)
    defer { folder.remove() }
    let certificate = try #require(
      PEM.decodeAll(Fixtures.bytes(Self.fixture + "/signcerts/cert.pem")).first)
    let identifier = try PublicKey(certificateDER: certificate.der).subjectKeyIdentifier
      .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    try folder.write("keystore/aaa", Array("garbage".utf8))
    try folder.write("keystore/bbb", ECDSAPrivateKey.generate().pkcs8PEM)
    _ = try LocalMSP(directory: folder.path, mspID: "OrdererMSP", now: Date())
    try folder.rename("keystore/priv_sk", to: "keystore/\(identifier)_sk")
    _ = try LocalMSP(directory: folder.path, mspID: "OrdererMSP", now: Date())
    try folder.rename("keystore", to: "elsewhere")
    _ = try LocalMSP(
      directory: folder.path, mspID: "OrdererMSP",
      keyStoreDirectory: folder.path + "/elsewhere", now: Date())
    let message = failure { try LocalMSP(directory: folder.path, mspID: "OrdererMSP", now: Date()) }
    #expect(message.contains("keystore") && message.contains(folder.path))
  }

  @Test func `what is missing or garbage is told with the folder`() throws {
    func problem(_ spoil: (TestFolder) throws -> Void) throws -> String {
      let folder = try TestFolder.copy(Self.fixture)
      defer { folder.remove() }
      try spoil(folder)
      let message = failure {
        try LocalMSP(directory: folder.path, mspID: "OrdererMSP", now: Date())
      }
      #expect(
        message.contains("could not load the local MSP from '\(folder.path)'"), "\(message)")
      #expect(message.contains("msp"))
      return message
    }
    let garbage = Array("garbage".utf8)
    #expect(try problem { try $0.delete("signcerts") }.contains("signcerts"))
    #expect(try problem { try $0.write("signcerts/cert.pem", garbage) }.contains("signcerts"))
    #expect(try problem { try $0.delete("cacerts") }.contains("cacerts"))
    #expect(try problem { try $0.delete("keystore") }.contains("keystore"))
    #expect(try problem { try $0.write("keystore/priv_sk", garbage) }.contains("priv_sk"))
    #expect(
      try problem { try $0.write("keystore/priv_sk", ECDSAPrivateKey.generate().pkcs8PEM) }
        .contains("another key"))
    let broken = PEM.encode(type: "CERTIFICATE", der: [1, 2, 3])
    #expect(
      try problem { try $0.write("cacerts/ca.orderer.test-cert.pem", broken) }.contains(
        "CA certificate"))
    #expect(try problem { try $0.write("signcerts/cert.pem", broken) }.contains("signcerts"))
    #expect(
      try problem { try $0.write("tlscacerts/x.pem", broken) }.contains("TLS CA certificate"))
    #expect(try problem { try $0.write("crls/x.pem", broken) }.contains("revocation list"))
    #expect(
      try problem {
        try $0.write("admincerts/x.pem", Fixtures.bytes("crypto/org1.test/users/admin/cert.pem"))
      }.contains("admin certificate"))
    #expect(
      try problem {
        try $0.write(
          "signcerts/cert.pem", Fixtures.bytes("crypto/org1.test/users/user1/cert.pem"))
      }.contains("unknown authority"))
    #expect(
      failure { try LocalMSP(directory: "/nowhere/y", mspID: "OrdererMSP", now: Date()) }.contains(
        "'/nowhere/y'"))
    #expect(
      failure { try LocalMSP(directory: Fixtures.path(Self.fixture), mspID: "", now: Date()) }
        .contains(
          "LocalMSPID"))
  }

  @Test func `an expired signing certificate is refused`() throws {
    let future = Date(timeIntervalSince1970: 20_000_000_000)
    #expect(
      failure {
        try LocalMSP(
          directory: Fixtures.path(Self.fixture), mspID: "OrdererMSP", now: future)
      }.contains("expired"))
  }

  @Test func `a revoked signing certificate is noticed`() throws {
    let folder = try TestFolder.copy("crypto/org3.test/msp")
    defer { folder.remove() }
    try folder.write(
      "signcerts/c.pem", Fixtures.bytes("crypto/org3.test/users/user1/cert.pem"))
    try folder.write("keystore/k", Fixtures.bytes("crypto/org3.test/users/user1/key.pem"))
    let local = try LocalMSP(directory: folder.path, mspID: "Org3MSP", now: Date())
    #expect(local.notices.contains { $0.contains("revoked") })
  }
}

extension LocalMSPTests {
  /// The folder of a node whose certificate is for `key`, under a P-256 root.
  private func folder(key: Certificate.PrivateKey, pem: [UInt8]) throws -> TestFolder {
    let root = try TestAuthority()
    let folder = try TestFolder.copy(Self.fixture)
    for name in ["cacerts", "tlscacerts", "signcerts", "keystore", "config.yaml"] {
      try folder.delete(name)
    }
    try folder.write("cacerts/ca.pem", root.pem)
    try folder.write(
      "config.yaml",
      Array(
        "NodeOUs: {Enable: true, AdminOUIdentifier: {OrganizationalUnitIdentifier: admin}}".utf8))
    try folder.write(
      "signcerts/node.pem", root.issue(.user("node", units: ["admin"]), key: key).pem)
    try folder.write("keystore/key.pem", pem)
    return folder
  }

  @Test func `a node may sign with P-384, P-521 and Ed25519`() throws {
    let p384 = P384.Signing.PrivateKey()
    let p521 = P521.Signing.PrivateKey()
    let ed25519 = Curve25519.Signing.PrivateKey()
    let edwards = try Certificate.PrivateKey(ed25519).serializeAsPEM().pemString
    for (key, pem) in [
      (Certificate.PrivateKey(p384), p384.pemRepresentation),
      (Certificate.PrivateKey(p521), p521.pemRepresentation),
      (Certificate.PrivateKey(ed25519), edwards),
    ] {
      let folder = try folder(key: key, pem: Array(pem.utf8))
      defer { folder.remove() }
      let local = try LocalMSP(directory: folder.path, mspID: "OrdererMSP", now: Date())
      let message = Array("a block".utf8)[...]
      let signature = try local.signer.sign([message])
      #expect(local.signer.identity.verify(message: message, signature: signature[...]))
      // An operator must learn that such a node's blocks count on some channels alone.
      let isEdwards = if case .ed25519 = local.signer.identity.publicKey { true } else { false }
      #expect(local.notices.contains { $0.contains("V3_0") } == isEdwards)
    }
  }

  @Test func `a node does not sign with RSA, which is told at the start`() throws {
    let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    let folder = try folder(
      key: Certificate.PrivateKey(rsa), pem: Array(rsa.pemRepresentation.utf8))
    defer { folder.remove() }
    let message = failure { try LocalMSP(directory: folder.path, mspID: "OrdererMSP", now: Date()) }
    #expect(message.contains("signcerts") && message.contains("ECDSA"), "\(message)")
  }
}
