// What a node reads from the certificates that other nodes use for TLS.

import FabricCrypto
import Testing

@testable import Membership

@Suite struct TLSCertificateTests {
  @Test func readsTheSameFromPEMAndDER() throws {
    let authority = try TestAuthority()
    let node = try authority.issue(.user("orderer1.example.com"))
    for certificate in [
      try TLSCertificate(pem: node.pem), try TLSCertificate(der: node.der),
    ] {
      #expect(certificate.der == node.der)
      #expect(certificate.commonName == "orderer1.example.com")
      #expect(certificate.notAfter == 2_300_000_000)
      #expect(
        certificate.subjectPublicKeyInfo[...]
          == PublicKey.subjectPublicKeyInfo(ofCertificate: node.der))
    }
  }

  @Test func refusesWhatIsNoCertificate() {
    #expect(throws: TLSCertificateProblem.self) { try TLSCertificate(der: [0x30, 0]) }
    #expect(throws: TLSCertificateProblem.self) { try TLSCertificate(pem: [UInt8]("no".utf8)) }
  }
}
