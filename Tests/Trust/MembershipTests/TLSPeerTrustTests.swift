// Which peers are trusted in TLS: chains, roots of every kind, times, purposes, names.

import FabricCrypto
import SwiftASN1
import Testing
import X509

@testable import Membership

@Suite struct TLSPeerTrustTests {
  private static let now: Int64 = 2_000_000_000
  private let root: TestAuthority
  private let intermediate: TestAuthority

  init() throws {
    root = try TestAuthority()
    intermediate = try root.issue(.authority("intermediate"))
  }

  private func request(
    _ names: [GeneralName] = [.dnsName("orderer.example.com")],
    usages: [ExtendedKeyUsage.Usage] = [.serverAuth, .clientAuth]
  ) throws -> CertificateRequest {
    var request = CertificateRequest.user()
    request.extendedKeyUsage = usages
    request.extra = [try Certificate.Extension(SubjectAlternativeNames(names), critical: false)]
    return request
  }

  private func trust(
    _ roots: [[UInt8]]? = nil, timeShift: Duration = .zero, now: Int64 = now
  ) throws -> TLSPeerTrust {
    try TLSPeerTrust(roots: roots ?? [root.der], timeShift: timeShift) { now }
  }

  private let host = TLSPeerTrust.Role.server(host: "orderer.example.com")

  @Test func aChainLeadsToARoot() throws {
    let direct = try root.issue(request())
    #expect(try trust().refusal(of: [direct.der], as: host) == nil)
    #expect(try trust().refusal(of: [direct.der], as: .client) == nil)
    let below = try intermediate.issue(request())
    #expect(try trust().refusal(of: [below.der, intermediate.der], as: host) == nil)
    // What the peer does not show is not there, unless it is a root here.
    #expect(
      try trust().refusal(of: [below.der], as: host)
        == "x509: certificate signed by unknown authority")
    #expect(try trust([intermediate.pem]).refusal(of: [below.der], as: host) == nil)
    #expect(try trust([root.pem + intermediate.pem]).refusal(of: [below.der], as: host) == nil)
    let stranger = try TestAuthority().issue(request())
    #expect(try trust().refusal(of: [stranger.der], as: host) != nil)
    #expect(try trust([stranger.der]).refusal(of: [stranger.der], as: host) == nil)
    #expect(try trust([]).refusal(of: [direct.der], as: .client) != nil)
  }

  @Test func bothEndsOfValidityCountAtTheShiftedTime() throws {
    var short = try request()
    short.notBefore = .init(timeIntervalSince1970: 1_900_000_000)
    short.notAfter = .init(timeIntervalSince1970: 1_990_000_000)
    let certificate = try root.issue(short)
    let expired = try trust().refusal(of: [certificate.der], as: host)
    #expect(expired?.hasPrefix("x509: certificate has expired or is not yet valid: ") == true)
    let shifted = try trust(timeShift: .seconds(10_000_000))
    #expect(shifted.refusal(of: [certificate.der], as: host) == nil)
    let far = try trust(timeShift: .seconds(110_000_000))
    #expect(far.refusal(of: [certificate.der], as: host)?.contains("is before") == true)
    // What is not positive is no shift, as in Go.
    let back = try trust(timeShift: .seconds(-10_000_000), now: 1_985_000_000)
    #expect(back.refusal(of: [certificate.der], as: host) == nil)
  }

  @Test func purposesCount() throws {
    let server = try root.issue(request(usages: [.serverAuth]))
    #expect(try trust().refusal(of: [server.der], as: host) == nil)
    #expect(
      try trust().refusal(of: [server.der], as: .client)
        == "x509: certificate specifies an incompatible key usage")
    let client = try root.issue(request(usages: [.clientAuth]))
    #expect(try trust().refusal(of: [client.der], as: .client) == nil)
    #expect(try trust().refusal(of: [client.der], as: host) != nil)
  }

  @Test func whatIsShownIsBounded() throws {
    #expect(try trust().refusal(of: [], as: host) != nil)
    let certificate = try root.issue(request())
    let many = [certificate.der] + [[UInt8]](repeating: intermediate.der, count: 16)
    #expect(try trust().refusal(of: many, as: host) != nil)
    #expect(try trust().refusal(of: [[0x30, 0]], as: host) != nil)
    #expect(try trust().refusal(of: [certificate.der, [1]], as: host) != nil)
    #expect(throws: TLSCertificateProblem.self) { try trust([Array("nothing".utf8)]) }
    #expect(throws: TLSCertificateProblem.self) { try trust([[0x30, 2, 1]]) }
  }

  private func names(_ host: String, _ names: [GeneralName]) throws -> String? {
    try trust().refusal(of: [try root.issue(request(names)).der], as: .server(host: host))
  }

  private func address(_ bytes: [UInt8]) -> GeneralName {
    .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
  }

  @Test func aServerHasTheNameThatWasDialled() throws {
    let node: [GeneralName] = [.dnsName("Node1.Example.com"), .dnsName("*.cluster.local")]
    for host in ["node1.example.com", "NODE1.example.COM", "node1.example.com.", "a.cluster.local"]
    {
      #expect(try names(host, node) == nil)
    }
    for host in ["example.com", "a.b.cluster.local", "cluster.local", ".cluster.local", "*", ""] {
      #expect(
        try names(host, node)
          == "x509: certificate is valid for Node1.Example.com, *.cluster.local, not \(host)")
    }
    #expect(try names("localhost", [.dnsName("*")]) != nil)
    // The common name is no name.
    #expect(
      try names("someone", [address([127, 0, 0, 1])])
        == "x509: certificate is not valid for any names, but wanted to match someone")
  }

  @Test func aServerHasTheAddressThatWasDialled() throws {
    let loopback = [UInt8](repeating: 0, count: 15) + [1]
    #expect(try names("127.0.0.1", [address([127, 0, 0, 1])]) == nil)
    #expect(try names("::1", [address(loopback)]) == nil)
    #expect(try names("::ffff:127.0.0.1", [address([127, 0, 0, 1])]) == nil)
    #expect(
      try names("127.0.0.2", [address([127, 0, 0, 1]), address(loopback)])
        == "x509: certificate is valid for 127.0.0.1, ::1, not 127.0.0.2")
    #expect(
      try names("127.0.0.1", [.dnsName("127.0.0.1")])
        == "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs")
  }
}
