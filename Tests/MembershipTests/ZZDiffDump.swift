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

func chance0(_ n: Int, _ rng: inout SystemRandomNumberGenerator) -> Bool { Int.random(in: 0..<n, using: &rng) == 0 }
@Suite struct ZZDiffDump {
  final class Out {
    var text = ""
    var ours = ""
    func add(_ name: String, _ version: MSPVersion, _ config: Msp_FabricMSPConfig, _ ids: [[UInt8]], sigs: [([UInt8], [UInt8])] = []) throws {
      var c = Msp_MSPConfig()
      c.config = try config.serializedData()
      let obj: [String: Any] = [
        "name": name, "version": version.rawValue, "msp": config.name,
        "config": try c.serializedData().base64EncodedString(),
        "ids": ids.map { Data($0).base64EncodedString() },
        "sigs": sigs.map { Data($0.1).base64EncodedString() },
        "msgs": sigs.map { Data($0.0).base64EncodedString() },
      ]
      text += String(decoding: try JSONSerialization.data(withJSONObject: obj, options: [.sortedKeys]), as: UTF8.self) + "\n"
      var verdict = name + " v\(version.rawValue): "
      do {
        let msp = try MSP(config: c, version: version)
        let manager = try MSPManager(msps: [msp])
        verdict += "up"
        if !sigs.isEmpty, let first = try? manager.identity(serialized: ids[0][...]) {
          for s in sigs { verdict += first.verify(message: s.0[...], signature: s.1[...]) ? " Y" : " N" }
        }
        for id in ids {
          do {
            let identity = try manager.identity(serialized: id[...])
            var roles = ""
            for (w, l): (Common_MSPRole.MSPRoleType, String) in [(.member, "m"), (.admin, "a"), (.client, "c"), (.peer, "p"), (.orderer, "o")] {
              if manager.satisfies(identity, principal: .role(w, config.name)) { roles += l }
            }
            do { try msp.validate(identity); verdict += " ok:" + roles } catch { verdict += " V:" + roles }
            verdict += ":" + identity.expiresAt!.timeIntervalSince1970.description.replacing(".0", with: "")
            verdict += ":" + SHA256Digest.hash(identity.certificateDER).prefix(3).map { String($0, radix: 16) }.joined()
            verdict += ":" + identity.organizationalUnits.joined(separator: ",")
          } catch { verdict += " D" }
        }
      } catch { verdict += "S" }
      ours += verdict + "\n"
    }
  }

  @Test func dump() throws {
    let out = Out()
    var rng = SystemRandomNumberGenerator()
    // Fixtures
    for (org, mspID) in [("org1.test", "Org1MSP"), ("org2.test", "Org2MSP"), ("org3.test", "Org3MSP"), ("org4.test", "Org4MSP"), ("org5.test", "Org5MSP"), ("orderer.test", "OrdererMSP")] {
      for v in [MSPVersion.v1_0, .v1_1, .v1_3, .v1_4_3] {
        let users = try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("crypto/\(org)/users")).sorted()
        var ids = try users.map { try Fixtures.identity(org, $0, mspID) }
        ids.append(try Fixtures.identity("org1.test", "user1", mspID))
        ids.append(SerializedIdentity.serialize(mspID: mspID, certificatePEM: try Fixtures.bytes("crypto/\(org)/ca/cert.pem")))
        for u in users where FileManager.default.fileExists(atPath: Fixtures.path("crypto/\(org)/users/\(u)/tls.crt")) {
          ids.append(SerializedIdentity.serialize(mspID: mspID, certificatePEM: try Fixtures.bytes("crypto/\(org)/users/\(u)/tls.crt")))
        }
        let config = try Msp_FabricMSPConfig(serializedBytes: MSPDirectory.verifyingConfig(directory: Fixtures.path("crypto/\(org)/msp"), mspID: mspID).config)
        try out.add("fixture-\(org)", v, config, ids)
      }
    }
    // Mutated identities
    for (org, user, mspID) in [("org1.test", "user1", "Org1MSP"), ("org4.test", "user1", "Org4MSP")] {
      let config = try Msp_FabricMSPConfig(serializedBytes: MSPDirectory.verifyingConfig(directory: Fixtures.path("crypto/\(org)/msp"), mspID: mspID).config)
      let pem = try Fixtures.bytes("crypto/\(org)/users/\(user)/cert.pem")
      let der = PEM.decodeAll(pem)[0].der
      for batch in 0..<20 {
        var ids: [[UInt8]] = []
        for round in 0..<200 {
          if round % 2 == 0 {
            var p = pem
            for _ in 0..<Int.random(in: 1...2, using: &rng) {
              let i = Int.random(in: 0..<p.count, using: &rng)
              switch Int.random(in: 0..<4, using: &rng) {
              case 0: p[i] ^= 1 << UInt8.random(in: 0..<8, using: &rng)
              case 1: p.insert([0x0A, 0x20, 0x09, 0x0D, 0x3D, 0x2D, 0x3A][Int.random(in: 0..<7, using: &rng)], at: i)
              case 2: p.remove(at: i)
              default: p.insert(contentsOf: Array("-----BEGIN CERTIFICATE-----\n".utf8), at: i)
              }
            }
            ids.append(SerializedIdentity.serialize(mspID: mspID, certificatePEM: p))
          } else {
            var d = der
            let i = Int.random(in: 0..<d.count, using: &rng)
            if Bool.random() { d[i] ^= 1 << UInt8.random(in: 0..<8, using: &rng) } else { d[i] = UInt8.random(in: 0...255, using: &rng) }
            ids.append(SerializedIdentity.serialize(mspID: mspID, certificatePEM: PEM.encode(type: "CERTIFICATE", der: d)))
          }
        }
        try out.add("mutated-\(org)-\(batch)", .v1_4_3, config, ids)
      }
    }
    // Signatures
    for batch in 0..<10 {
      let config = try Msp_FabricMSPConfig(serializedBytes: MSPDirectory.verifyingConfig(directory: Fixtures.path("crypto/org1.test/msp"), mspID: "Org1MSP").config)
      let key = try Fixtures.key("org1.test", "user1")
      var sigs: [([UInt8], [UInt8])] = []
      for round in 0..<500 {
        let m = (0..<5).map { _ in UInt8.random(in: 0...255, using: &rng) }
        var sig = try key.sign(m[...])
        switch round % 8 {
        case 0: break
        case 1: sig += [UInt8.random(in: 0...255, using: &rng)]
        case 2: let i = Int.random(in: 0..<sig.count, using: &rng); sig[i] ^= 1 << UInt8.random(in: 0..<8, using: &rng)
        case 3: sig = [0x30, 0x81] + sig[1...]
        case 4:
          let (r, sn) = ECDSASignatureFormat.numbers(sig[...])!
          sig = element(0x30, element(2, [0, 0] + Array(r)) + integer(Array(sn)))
        case 5:
          let (r, sn) = ECDSASignatureFormat.numbers(sig[...])!
          sig = element(0x30, integer(Array(r)) + integer(Array(sn)) + (0..<Int.random(in: 0...200, using: &rng)).map { _ in UInt8.random(in: 0...255, using: &rng) })
        case 6:
          let i = Int.random(in: 0..<6, using: &rng); sig[i] = UInt8.random(in: 0...255, using: &rng)
        default:
          var k = [UInt8]()
          for _ in 0..<Int.random(in: 0...12, using: &rng) { k.append([0x30, 0x02, 0x01, 0x80, 0x00, 0x81, 0x03, 0x84][Int.random(in: 0..<8, using: &rng)]) }
          sig = k + sig
        }
        sigs.append((m, sig))
      }
      try out.add("sigs-\(batch)", .v1_4_3, config, [Fixtures.identity("org1.test", "user1", "Org1MSP")], sigs: sigs)
    }
    // Raw protobuf mutations
    do {
      let config = try Msp_FabricMSPConfig(serializedBytes: MSPDirectory.verifyingConfig(directory: Fixtures.path("crypto/org1.test/msp"), mspID: "Org1MSP").config)
      let id = try Fixtures.identity("org1.test", "user1", "Org1MSP")
      var ids: [[UInt8]] = []
      for _ in 0..<2000 {
        var d = id
        let i = Bool.random() ? Int.random(in: 0..<14, using: &rng) : Int.random(in: 0..<d.count, using: &rng)
        switch Int.random(in: 0..<3, using: &rng) {
        case 0: d[i] ^= 1 << UInt8.random(in: 0..<8, using: &rng)
        case 1: d.remove(at: i)
        default: d.insert(UInt8.random(in: 0...255, using: &rng), at: i)
        }
        if chance0(6, &rng) { d += [0x1A, 0x01, 0x41] }
        if chance0(6, &rng) { d += d }
        ids.append(d)
      }
      try out.add("proto", .v1_4_3, config, ids)
    }
    // Random PKIs
    func rk() throws -> Certificate.PrivateKey {
      switch Int.random(in: 0..<12, using: &rng) {
      case 0: return Certificate.PrivateKey(P384.Signing.PrivateKey())
      case 1: return Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048))
      default: return Certificate.PrivateKey(P256.Signing.PrivateKey())
      }
    }
    func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &rng) == 0 }
    func caRequest(_ n: String) throws -> CertificateRequest {
      var r = CertificateRequest.authority(n)
      if chance(12) { r.pathLength = Int.random(in: 0...2, using: &rng) }
      if chance(25) { r.keyUsage = [nil, KeyUsage(digitalSignature: true), KeyUsage(cRLSign: true)][Int.random(in: 0..<3, using: &rng)] }
      if chance(40) { r.isCA = false }
      if chance(40) { r.basicConstraints = false }
      if chance(40) { r.subjectKeyIdentifier = false }
      if chance(15) { r.extendedKeyUsage = [[.clientAuth], [.serverAuth], [.any], [.clientAuth, .serverAuth], [.codeSigning]][Int.random(in: 0..<5, using: &rng)] }
      if chance(20) { r.notBefore = Date(timeIntervalSince1970: 1_700_000_000 + Double(Int.random(in: -5...5, using: &rng))) }
      if chance(20) { r.notAfter = Date(timeIntervalSince1970: 1_700_000_000 + Double(Int.random(in: 0...5, using: &rng))) }
      if chance(10) {
        let names: [GeneralName] = [.dnsName("good.test"), .dnsName(".good.test"), .ipAddress(.init(contentBytes: [10, 0, 0, 0, 255, 0, 0, 0])), .rfc822Name("good.test"), .rfc822Name("u@good.test"), .uniformResourceIdentifier("good.test"), .directoryName(DistinguishedName())]
        let p = names.filter { _ in chance(3) }, e = names.filter { _ in chance(6) }
        if !p.isEmpty || !e.isEmpty {
          r.extra.append(try Certificate.Extension(NameConstraints(permittedSubtrees: p, excludedSubtrees: e), critical: Bool.random()))
        }
      }
      if chance(30) { r.extra.append(Certificate.Extension(oid: [2, 5, 29, 99], critical: Bool.random(), value: [5, 0])) }
      return r
    }
    func userRequest(_ n: String) throws -> CertificateRequest {
      var r = CertificateRequest.user(n, units: ["client", "peer", "admin", "orderer", "sales"].filter { _ in chance(4) })
      if chance(3) { r.units = [["client", "peer", "admin", "orderer"][Int.random(in: 0..<4, using: &rng)]] }
      if chance(15) { r.isCA = true }
      if chance(10) { r.basicConstraints = false }
      if chance(10) { r.keyUsage = nil }
      if chance(8) { r.extendedKeyUsage = [[.clientAuth], [.serverAuth], [.any], [.clientAuth, .serverAuth], [.codeSigning]][Int.random(in: 0..<5, using: &rng)] }
      if chance(8) { r.notBefore = Date(timeIntervalSince1970: 1_700_000_000 + Double(Int.random(in: -5...5, using: &rng))) }
      if chance(20) { r.notAfter = Date(timeIntervalSince1970: 1_700_000_000 + Double(Int.random(in: 0...5, using: &rng))) }
      if chance(4) {
        let names: [GeneralName] = [.dnsName("good.test"), .dnsName("x.good.test"), .dnsName("bad.test"), .ipAddress(.init(contentBytes: [10, 1, 2, 3])), .ipAddress(.init(contentBytes: [11, 1, 2, 3])), .rfc822Name("u@good.test"), .rfc822Name("v@x.good.test"), .uniformResourceIdentifier("https://good.test/x"), .uniformResourceIdentifier("https://bad.test:80/"), .directoryName(DistinguishedName())]
        let s = names.filter { _ in chance(5) }
        if !s.isEmpty { r.extra.append(try Certificate.Extension(SubjectAlternativeNames(s), critical: Bool.random())) }
      }
      if chance(15) { r.extra.append(Certificate.Extension(oid: [[2, 5, 29, 99], [1, 2, 3, 4], [2, 5, 29, 31], [2, 5, 29, 32], [2, 5, 29, 36], [2, 5, 29, 54], [1, 3, 6, 1, 5, 5, 7, 1, 1], [2, 5, 29, 35]][Int.random(in: 0..<8, using: &rng)], critical: Bool.random(), value: [[5, 0], [0x30, 0], [0x30, 2, 0x30, 0], [0x30, 2, 5, 0], [2, 1, 1]][Int.random(in: 0..<5, using: &rng)])) }
      return r
    }
    for n in 0..<700 {
      var roots: [TestAuthority] = []
      for i in 0..<(chance(4) ? 2 : 1) { roots.append(try TestAuthority(caRequest(chance(6) ? "root" : "root\(i)"), key: rk())) }
      if chance(8) {
        var r = try caRequest("root0"); r.notAfter += 100
        roots.append(try TestAuthority(r, key: roots[0].key))
      }
      var ints: [TestAuthority] = []
      if chance(2) {
        for i in 0..<Int.random(in: 1...3, using: &rng) {
          let parents = roots + ints
          ints.append(try parents[Int.random(in: 0..<parents.count, using: &rng)].issue(caRequest("int\(i)"), key: rk()))
        }
        if chance(10) { ints.append(roots[0]) }
        if chance(10) { roots.append(ints[0]) }
      }
      let issuers = roots + ints
      var ids: [TestAuthority] = []
      for i in 0..<8 {
        let issuer = chance(3) ? issuers[Int.random(in: 0..<issuers.count, using: &rng)] : issuers[issuers.count - 1]
        ids.append(try issuer.issue(userRequest(chance(3) ? "host.x" : "user\(i)"), key: chance(8) ? Certificate.PrivateKey(P384.Signing.PrivateKey()) : Certificate.PrivateKey(P256.Signing.PrivateKey())))
      }
      var def = TestDefinition(roots: roots, intermediates: ints, admins: ids.filter { _ in chance(20) })
      if !chance(4) { def = def.withUnits(certifier: chance(2) ? nil : issuers[Int.random(in: 0..<issuers.count, using: &rng)]) }
      if chance(10) { def.config.fabricNodeOus.clearClientOuIdentifier() }
      if chance(10) { def.config.fabricNodeOus.clearAdminOuIdentifier() }
      if chance(20) { def.config.fabricNodeOus.enable = false }
      if chance(10) {
        var u = Msp_FabricOUIdentifier(); u.organizationalUnitIdentifier = "sales"; u.certificate = Data(issuers[Int.random(in: 0..<issuers.count, using: &rng)].pem)
        def.config.organizationalUnitIdentifiers = [u]
      }
      if chance(3) {
        let ca = issuers[issuers.count - 1]
        if (try? ECDSAPrivateKey(pem: ca.key.serializeAsPEM().pemString)) != nil {
          def.config.revocationList = [Data(try ca.revocationList(ids.filter { _ in chance(4) } + (chance(6) ? [ca] : []), signedBy: chance(5) ? ids[0] : nil, withIdentifier: !chance(8)))]
        }
      }
      if chance(3) {
        def.config.tlsRootCerts = [Data(try TestAuthority(caRequest("tls")).pem)]
      }
      let admins = def.config.admins
      for v in [MSPVersion.v1_0, .v1_1, .v1_3, .v1_4_3] {
        def.config.admins = admins
        if v == .v1_4_3 { }
        try out.add("random-\(n)", v, def.config, ids.map { $0.serialized() })
      }
    }
    try out.text.write(toFile: "/tmp/mspdiff.in", atomically: true, encoding: .utf8)
    try out.ours.write(toFile: "/tmp/mspdiff.ours", atomically: true, encoding: .utf8)
  }
}
