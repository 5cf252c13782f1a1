// Certificates that try to be what they are not.

import Crypto
import FabricCrypto
import FabricProtos
import Foundation
import SwiftASN1
import Testing
import X509
import _CryptoExtras

@testable import FabricCrypto
@testable import Membership

@Suite struct HostileCertificateTests {
  private func verdict(_ who: TestAuthority, _ manager: MSPManager) -> String {
    failure { try manager.validIdentity(serialized: who.serialized()[...]).mspID }
  }

  private func definition(
    _ root: TestAuthority, _ intermediates: [TestAuthority] = []
  ) -> TestDefinition {
    TestDefinition(roots: [root], intermediates: intermediates).withUnits()
  }

  @Test func `what is no identity is refused`() throws {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    let good = try root.issue(.user(units: ["client"]))
    for bytes in [
      [], [0xFF], Array("garbage".utf8),
      SerializedIdentity.serialize(mspID: "TestMSP", certificatePEM: []),
      SerializedIdentity.serialize(mspID: "TestMSP", certificatePEM: Array("garbage".utf8)),
      SerializedIdentity.serialize(mspID: "TestMSP", certificatePEM: good.der),
      SerializedIdentity.serialize(
        mspID: "TestMSP", certificatePEM: PEM.encode(type: "CERTIFICATE", der: good.der + [0])),
      SerializedIdentity.serialize(
        mspID: "TestMSP",
        certificatePEM: PEM.encode(type: "CERTIFICATE", der: Array(good.der.dropLast()))),
      SerializedIdentity.serialize(
        mspID: "TestMSP",
        certificatePEM: PEM.encode(
          type: "CERTIFICATE", der: [UInt8](repeating: 0x30, count: 5000))),
      [UInt8](repeating: 0x0A, count: MSP.maximumSerializedIdentitySize + 1),
    ] as [[UInt8]] {
      #expect(throws: MembershipError.self) { try manager.validIdentity(serialized: bytes[...]) }
    }
    _ = try manager.validIdentity(serialized: good.serialized()[...])
    // The type of the PEM block and what follows it do not matter to Fabric.
    let odd = SerializedIdentity.serialize(
      mspID: "TestMSP", certificatePEM: PEM.encode(type: "THING", der: good.der) + [1, 2])
    #expect(
      try manager.validIdentity(serialized: odd[...]).uniqueKey
        == manager.validIdentity(serialized: good.serialized()[...]).uniqueKey)
  }

  @Test func `a key that is not a point of a known curve makes no certificate`() throws {
    let authority = try TestAuthority()
    let info = Array(try ParsedCertificate(der: authority.der).subjectKey.der)
    let start = try #require(
      authority.der.indices.first { authority.der[$0...].starts(with: info) })
    func damaged(_ change: (inout [UInt8]) -> Void) -> String {
      var der = authority.der
      var changed = info
      change(&changed)
      der.replaceSubrange(start..<(start + info.count), with: changed)
      return failure { try ParsedCertificate(der: der) }
    }
    #expect(damaged { $0[$0.count - 1] ^= 1 }.contains("not a point of its elliptic curve"))
    // 65 bytes of point at the end; the first says how it is encoded.
    #expect(damaged { $0[$0.count - 65] = 0x02 }.contains("not a point of its elliptic curve"))
    // secp256r1's last arc, made another.
    let curve: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
    let arc = try #require(info.indices.first { info[$0...].starts(with: curve) }) + 7
    #expect(damaged { $0[arc] = 0x06 }.contains("not supported"))
  }

  @Test func `an attacker's CA of the same name vouches for nobody`() throws {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    let impostor = try TestAuthority()
    #expect(impostor.certificate.subject == root.certificate.subject)
    let victim = try impostor.issue(.user(units: ["admin"]))
    #expect(verdict(victim, manager).contains("not signed by the CA it names"))
    // Self-signed, naming itself as everything at once.
    let selfSigned = try TestAuthority(.user("someone", units: ["admin"]))
    #expect(verdict(selfSigned, manager).contains("unknown authority"))
    #expect(verdict(impostor, manager).contains("CA"))
  }

  @Test func `a user's certificate does not vouch for others`() throws {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    let user = try root.issue(.user("user", units: ["client"]))
    #expect(verdict(try user.issue(.user(units: ["admin"])), manager).contains("unknown"))
    // Nor if it got among the intermediate CAs: such a definition is refused.
    #expect(failure { try definition(root, [user]).msp() }.contains("CA attribute"))
  }

  @Test func `a CA that may not sign certificates vouches for nobody`() throws {
    var request = CertificateRequest.authority("root")
    request.keyUsage = KeyUsage(digitalSignature: true, cRLSign: true)
    #expect(failure { try definition(TestAuthority(request)).msp() }.contains("may not sign"))
    let root = try TestAuthority()
    request.commonName = "intermediate"
    #expect(
      verdict(
        try root.issue(request).issue(.user(units: ["client"])),
        try definition(root, [root.issue(request)]).manager()
      ).contains("may not sign"))
    request.commonName = "root"
    request.keyUsage = nil
    let without = try TestAuthority(request)
    #expect(
      verdict(try without.issue(.user(units: ["client"])), try self.definition(without).manager())
        == "no failure: TestMSP")
  }

  @Test func `a CA certificate without the CA attribute or key identifier is no CA`() throws {
    var request = CertificateRequest.authority("root")
    request.isCA = false
    #expect(
      failure { try definition(TestAuthority(request)).msp() }.contains("CA attribute"))
    request = .authority("root")
    request.subjectKeyIdentifier = false
    #expect(
      failure { try definition(TestAuthority(request)).msp() }.contains("subject key identifier"))
    var tls = try definition(TestAuthority())
    tls.config.tlsRootCerts = [Data(try TestAuthority(.user()).pem)]
    #expect(failure { try tls.msp() }.contains("TLS CA certificate"))
    var orphan = try definition(TestAuthority())
    orphan.config.tlsRootCerts = [Data(try TestAuthority(.authority("tls")).pem)]
    let stranger = try TestAuthority(.authority("stranger")).issue(.authority("tls intermediate"))
    orphan.config.tlsIntermediateCerts = [Data(stranger.pem)]
    #expect(failure { try orphan.msp() }.contains("unknown authority"))
  }

  @Test func `path lengths are kept`() throws {
    var request = CertificateRequest.authority("root")
    request.pathLength = 0
    let root = try TestAuthority(request)
    let manager = try definition(root).manager()
    #expect(verdict(try root.issue(.user(units: ["client"])), manager) == "no failure: TestMSP")
    let intermediate = try root.issue(.authority("intermediate"))
    let deep = try definition(root, [intermediate]).manager()
    #expect(
      verdict(try intermediate.issue(.user(units: ["client"])), deep).contains("path length"))
  }

  @Test func `unknown critical extensions are refused, others are not`() throws {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    for (critical, expected) in [(true, "critical extension"), (false, "no failure")] {
      var request = CertificateRequest.user(units: ["client"])
      request.extra = [
        Certificate.Extension(oid: [1, 2, 3, 4, 5], critical: critical, value: [0x05, 0x00])
      ]
      #expect(verdict(try root.issue(request), manager).contains(expected))
    }
    // Fabric CA's attributes travel in such an extension, not critical.
    var request = CertificateRequest.user(units: ["client"])
    request.extra = [
      Certificate.Extension(
        oid: [1, 2, 3, 4, 5, 6, 7, 8, 1], critical: false, value: Array("{}".utf8)[...])
    ]
    #expect(verdict(try root.issue(request), manager).contains("no failure"))
  }

  @Test func `extended key usages must include server authentication, as Go's verifier wants it`()
    throws
  {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    for (usages, expected) in [
      ([.clientAuth], "server authentication"), ([.codeSigning, .clientAuth], "server auth"),
      ([.serverAuth, .clientAuth], "no failure"), ([.any], "no failure"),
    ] as [([ExtendedKeyUsage.Usage], String)] {
      var request = CertificateRequest.user(units: ["client"])
      request.extendedKeyUsage = usages
      #expect(verdict(try root.issue(request), manager).contains(expected))
    }
  }

  @Test func `a certificate from outside of its CA's time is refused, an expired one is not`()
    throws
  {
    var authority = CertificateRequest.authority("root")
    authority.notBefore = Date(timeIntervalSince1970: 1_500_000_000)
    authority.notAfter = Date(timeIntervalSince1970: 1_600_000_000)
    let root = try TestAuthority(authority)
    let manager = try definition(root).manager()
    func verdict(from: TimeInterval, to: TimeInterval) throws -> String {
      var request = CertificateRequest.user(units: ["client"])
      request.notBefore = Date(timeIntervalSince1970: from)
      request.notAfter = Date(timeIntervalSince1970: to)
      return self.verdict(try root.issue(request), manager)
    }
    #expect(try verdict(from: 1_550_000_000, to: 1_560_000_000).contains("no failure"))
    #expect(try verdict(from: 1_550_000_000, to: 1_900_000_000).contains("no failure"))
    #expect(try verdict(from: 1_400_000_000, to: 1_900_000_000).contains("before its CA"))
    #expect(try verdict(from: 1_600_000_001, to: 1_900_000_000).contains("CA had expired"))
  }

  @Test func `more than one chain is as bad as none`() throws {
    // One CA with a renewed certificate: the same name, the same key, another validity.
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    var request = CertificateRequest.authority("root")
    let old = try TestAuthority(request, key: key)
    request.notAfter += 86400
    let new = try TestAuthority(request, key: key)
    let user = try old.issue(.user(units: ["client"]))
    let both = try TestDefinition(roots: [old, new]).withUnits().manager()
    #expect(verdict(user, both).contains("single validation chain"))
    let twice = try TestDefinition(roots: [old, old]).withUnits().manager()
    #expect(verdict(user, twice).contains("no failure"))
  }

  @Test func `cross-signed circles end`() throws {
    let keys = (0..<4).map { _ in Certificate.PrivateKey(P256.Signing.PrivateKey()) }
    let root = try TestAuthority()
    let authorities = try (0..<4).map {
      try TestAuthority(.authority("ca\($0)"), key: keys[$0])
    }
    var circle: [TestAuthority] = []
    for issuer in 0..<4 {
      for subject in 0..<4 where subject != issuer {
        circle.append(
          try authorities[issuer].issue(.authority("ca\(subject)"), key: keys[subject]))
      }
    }
    let trust = ChainBuilder(
      roots: CertificatePool([try ParsedCertificate(der: root.der)]),
      intermediates: CertificatePool(try circle.map { try ParsedCertificate(der: $0.der) }))
    let user = try ParsedCertificate(der: authorities[0].issue(.user()).der)
    #expect(throws: CertificateProblem.self) { try trust.uniqueChain(for: user) }
  }

  @Test func `name constraints are kept`() throws {
    var request = CertificateRequest.authority("root")
    request.extra = [
      try Certificate.Extension(
        NameConstraints(
          permittedSubtrees: [
            .dnsName("good.test"), .ipAddress(.init(contentBytes: [10, 0, 0, 0, 255, 0, 0, 0])),
          ],
          excludedSubtrees: [.dnsName("bad.good.test"), .uniformResourceIdentifier("evil.test")]),
        critical: true)
    ]
    let root = try TestAuthority(request)
    let manager = try definition(root).manager()
    func verdict(_ names: [GeneralName], commonName: String = "a user") throws -> String {
      var request = CertificateRequest.user(commonName, units: ["client"])
      if !names.isEmpty {
        request.extra = [
          try Certificate.Extension(SubjectAlternativeNames(names), critical: false)
        ]
      }
      return self.verdict(try root.issue(request), manager)
    }
    #expect(try verdict([]).contains("no failure"))
    #expect(try verdict([.dnsName("x.GOOD.test")]).contains("no failure"))
    #expect(try verdict([.dnsName("good.test")]).contains("no failure"))
    #expect(try verdict([.dnsName("notgood.test")]).contains("not permitted"))
    #expect(try verdict([.dnsName("x.bad.good.test")]).contains("excluded"))
    #expect(try verdict([.ipAddress(.init(contentBytes: [10, 1, 2, 3]))]).contains("no failure"))
    #expect(
      try verdict([.ipAddress(.init(contentBytes: [11, 1, 2, 3]))]).contains("not permitted"))
    #expect(
      try verdict([.uniformResourceIdentifier("https://u@evil.test:8/x")]).contains("excluded"))
    #expect(try verdict([.uniformResourceIdentifier("urn:x")]).contains("cannot be checked"))
    #expect(try verdict([], commonName: "host.example").contains("subject alternative name"))
  }

  @Test func `the two encodings of one signature are one identity`() throws {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    let user = try root.issue(.user(units: ["client"]))
    let parsed = try ParsedCertificate(der: user.der)
    let low = try #require(
      ECDSASignatureFormat.canonicalized(parsed.signature, curve: .p256))
    var keys: Set<IdentityKey> = []
    for signature in [low, try highS(low)] {
      let der = element(
        0x30,
        Array(parsed.tbs) + Array(parsed.signatureAlgorithmDER)
          + element(0x03, [0] + signature))
      let serialized = SerializedIdentity.serialize(
        mspID: "TestMSP", certificatePEM: PEM.encode(type: "CERTIFICATE", der: der))
      let identity = try manager.validIdentity(serialized: serialized[...])
      keys.insert(identity.uniqueKey)
      #expect(try ParsedCertificate(der: identity.certificateDER).signature.elementsEqual(low))
      #expect(manager.satisfies(identity, principal: .identity(user.serialized())))
    }
    #expect(keys.count == 1)
  }

  @Test func `an identity's high-S message signatures are refused`() throws {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    let user = try root.issue(.user(units: ["client"]))
    let identity = try manager.validIdentity(serialized: user.serialized()[...])
    let key = try ECDSAPrivateKey(pem: user.key.serializeAsPEM().pemString)
    let low = try key.sign([1, 2, 3][...])
    #expect(identity.verify(message: [1, 2, 3][...], signature: low[...]))
    #expect(!identity.verify(message: [1, 2, 3][...], signature: try highS(low)[...]))
  }

  @Test(arguments: ["P-384", "RSA", "P-521", "Ed25519"])
  func `CAs may have other keys`(kind: String) throws {
    let key: Certificate.PrivateKey =
      switch kind {
      case "P-384": Certificate.PrivateKey(P384.Signing.PrivateKey())
      case "RSA": Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048))
      case "Ed25519": Certificate.PrivateKey(Curve25519.Signing.PrivateKey())
      default: Certificate.PrivateKey(P521.Signing.PrivateKey())
      }
    let root = try TestAuthority(key: key)
    let intermediate = try root.issue(.authority("intermediate"), key: key)
    let manager = try definition(root, [intermediate]).manager()
    let user = try intermediate.issue(.user(units: ["peer"]))
    let identity = try manager.validIdentity(serialized: user.serialized()[...])
    #expect(identity.roles.contains(.peer))
    let stranger = try TestAuthority(key: key).issue(.user(units: ["peer"]))
    #expect(verdict(stranger, manager).contains("CA that has intermediate CAs"))
    let impostor = try TestAuthority(.authority("intermediate")).issue(.user(units: ["peer"]))
    #expect(!verdict(impostor, manager).contains("no failure"))
  }

  @Test func `users may have P-384 and P-521 keys but not RSA ones`() throws {
    let root = try TestAuthority()
    let manager = try definition(root).manager()
    let p384 = P384.Signing.PrivateKey()
    let p521 = P521.Signing.PrivateKey()
    for (key, der) in [
      (Certificate.PrivateKey(p384), p384.derRepresentation),
      (Certificate.PrivateKey(p521), p521.derRepresentation),
    ] {
      let user = try root.issue(.user(units: ["client"]), key: key)
      let identity = try manager.validIdentity(serialized: user.serialized()[...])
      let signature = try ECDSAPrivateKey(der: Array(der)).sign([7][...])
      #expect(identity.verify(message: [7][...], signature: signature[...]))
    }
    let rsa = try root.issue(
      .user(units: ["client"]),
      key: Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048)))
    #expect(verdict(rsa, manager).contains("not an ECDSA key"))
  }

  private func highS(_ signature: [UInt8]) throws -> [UInt8] {
    let (r, s) = try #require(ECDSASignatureFormat.numbers(signature[...]))
    var difference = ECDSACurve.p256.order
    let padded = [UInt8](repeating: 0, count: 32 - s.count) + s
    var borrow = 0
    for index in difference.indices.reversed() {
      let digit = Int(difference[index]) - Int(padded[index]) - borrow
      borrow = digit < 0 ? 1 : 0
      difference[index] = UInt8(truncatingIfNeeded: digit)
    }
    return element(0x30, integer(Array(r)) + integer(difference))
  }
}
