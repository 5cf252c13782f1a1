// Organizations with keys and certificates, made for one measurement.

import Crypto
import FabricCrypto
import Foundation
import Storage
import SwiftASN1
import X509

/// A certificate and its key, PEM.
struct KeyPair: Sendable {
  let certificate: [UInt8]
  let key: [UInt8]
}

/// A certificate authority.
struct Authority {
  let certificate: [UInt8]
  private let key: P256.Signing.PrivateKey
  private let name: DistinguishedName
  private let now: Date

  /// - Parameter now: Certificates are valid from an hour earlier on, for ten years.
  init(_ commonName: String, now: Date) throws {
    let key = P256.Signing.PrivateKey()
    let name = try DistinguishedName {
      OrganizationName("Benchmark")
      CommonName(commonName)
    }
    self.key = key
    self.name = name
    self.now = now
    certificate = try Self.certificate(
      for: key.publicKey, subject: name, issuer: name, signer: key, now: now,
      Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
        SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
      })
  }

  /// A member of an MSP; its role is the organizational unit.
  func member(_ commonName: String, role: String) throws -> KeyPair {
    let subject = try DistinguishedName {
      OrganizationalUnitName(role)
      CommonName(commonName)
    }
    return try issue(subject) { Critical(KeyUsage(digitalSignature: true)) }
  }

  /// A server or client of TLS on this machine.
  func tlsPeer(_ commonName: String) throws -> KeyPair {
    let subject = try DistinguishedName { CommonName(commonName) }
    return try issue(subject) {
      Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
      try ExtendedKeyUsage([.serverAuth, .clientAuth])
      SubjectAlternativeNames([
        .dnsName("localhost"),
        .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
      ])
    }
  }

  private func issue(
    _ subject: DistinguishedName,
    @ExtensionsBuilder _ extensions: () throws -> Result<Certificate.Extensions, any Error>
  ) throws -> KeyPair {
    let memberKey = P256.Signing.PrivateKey()
    let authorityKey = Certificate.PublicKey(key.publicKey)
    let identifier = SubjectKeyIdentifier(hash: authorityKey).keyIdentifier
    var all = try extensions().get()
    try all.append(
      AuthorityKeyIdentifier(keyIdentifier: identifier).makeCertificateExtension())
    return KeyPair(
      certificate: try Self.certificate(
        for: memberKey.publicKey, subject: subject, issuer: name, signer: key, now: now, all),
      key: PEM.encode(type: "PRIVATE KEY", der: Array(memberKey.derRepresentation)))
  }

  private static func certificate(
    for key: P256.Signing.PublicKey, subject: DistinguishedName, issuer: DistinguishedName,
    signer: P256.Signing.PrivateKey, now: Date, _ extensions: Certificate.Extensions
  ) throws -> [UInt8] {
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key),
      notValidBefore: now - 3_600, notValidAfter: now + 86_400 * 3_650, issuer: issuer,
      subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
      issuerPrivateKey: .init(signer))
    return Array((try certificate.serializeAsPEM().pemString + "\n").utf8)
  }
}

/// What a node and its clients need: an organization of orderers, two of applications, TLS.
struct BenchmarkNetwork: Sendable {
  static let ordererMSP = "OrdererMSP"
  static let applicationMSPs = ["Org1MSP", "Org2MSP"]

  /// Where all of it lies.
  let folder: String
  /// A member of the first application organization, which sends and reads.
  let client: ClientIdentity
  /// Its administrator, who creates channels.
  let admin: ClientIdentity
  let tlsAuthority: [UInt8]
  let tlsClient: KeyPair

  let nodeMSP: String
  func mspFolder(_ mspID: String) -> String { "\(folder)/\(mspID)" }

  /// Makes all keys and writes what nodes and profiles read.
  init(folder: String, now: Date) throws {
    self.folder = folder
    nodeMSP = "\(folder)/node-msp"
    let tls = try Authority("tlsca.benchmark", now: now)
    tlsAuthority = tls.certificate
    let tlsServer = try tls.tlsPeer("orderer.benchmark")
    tlsClient = try tls.tlsPeer("client.benchmark")
    let orderers = try Authority("ca.\(Self.ordererMSP)", now: now)
    let node = try orderers.member("orderer.benchmark", role: "orderer")
    try Self.writeMSP("\(folder)/\(Self.ordererMSP)", orderers, tls)
    try Self.writeMSP(nodeMSP, orderers, tls)
    try Self.write(node.certificate, "\(nodeMSP)/signcerts", "cert.pem")
    try Self.write(node.key, "\(nodeMSP)/keystore", "key.pem")
    var members: [(client: ClientIdentity, admin: ClientIdentity)] = []
    for mspID in Self.applicationMSPs {
      let authority = try Authority("ca.\(mspID)", now: now)
      try Self.writeMSP("\(folder)/\(mspID)", authority, tls)
      let pairs = try (
        authority.member("client", role: "client"), authority.member("admin", role: "admin")
      )
      members.append((try Self.identity(mspID, pairs.0), try Self.identity(mspID, pairs.1)))
    }
    (client, admin) = members[0]
    try Self.write(tlsAuthority, "\(folder)/tls", "ca.pem")
    try Self.write(tlsServer.certificate, "\(folder)/tls", "server.pem")
    try Self.write(tlsServer.key, "\(folder)/tls", "server.key")
  }

  private static func identity(_ mspID: String, _ pair: KeyPair) throws -> ClientIdentity {
    ClientIdentity(
      mspID: mspID, certificatePEM: pair.certificate, key: try PrivateKey(pem: pair.key))
  }

  private static func writeMSP(_ folder: String, _ authority: Authority, _ tls: Authority) throws {
    try write(authority.certificate, "\(folder)/cacerts", "ca.pem")
    try write(tls.certificate, "\(folder)/tlscacerts", "ca.pem")
    let units = ["Client", "Peer", "Admin", "Orderer"].map { role in
      "  \(role)OUIdentifier: {Certificate: cacerts/ca.pem, OrganizationalUnitIdentifier: \(role.lowercased())}\n"
    }
    try write(Array("NodeOUs:\n  Enable: true\n\(units.joined())".utf8), folder, "config.yaml")
  }

  private static func write(_ bytes: [UInt8], _ folder: String, _ name: String) throws {
    try Folder.create(folder, mode: 0o700)
    try File("\(folder)/\(name)", .replacing, mode: 0o600).write(bytes, at: 0)
  }
}
