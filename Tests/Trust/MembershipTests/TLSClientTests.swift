// Which certificates of TLS clients are good, by the rules of Go.

import Foundation
import Testing
import X509

@testable import Membership

@Suite struct TLSClientTests {
  private let now: Int64 = 1_800_000_000
  private let root: TestAuthority

  init() throws { root = try TestAuthority() }

  /// Why a client with these certificates is refused; nil if it is not.
  private func refusal(
    _ shown: [TestAuthority], roots: [[UInt8]]? = nil, at time: Int64? = nil
  ) -> TLSCertificateProblem? {
    do throws(TLSCertificateProblem) {
      try TLSAuthorities(clientRoots: roots ?? [root.pem])
        .check(client: shown.map(\.der), now: time ?? now)
      return nil
    } catch { return error }
  }

  private func client(
    _ usages: [ExtendedKeyUsage.Usage]? = nil, of authority: TestAuthority? = nil
  ) throws -> TestAuthority {
    var request = CertificateRequest.user()
    request.extendedKeyUsage = usages
    return try (authority ?? root).issue(request)
  }

  private func isUntrusted(_ problem: TLSCertificateProblem?) -> Bool {
    if case .untrusted = problem { true } else { false }
  }

  @Test func aClientOfARootIsGoodWhileItsCertificateIs() throws {
    let client = try client()
    #expect(refusal([client]) == nil)
    #expect(refusal([client], at: 1_700_000_000 - 1) == .expired)
    #expect(refusal([client], at: 2_300_000_000 + 1) == .expired)
    #expect(isUntrusted(refusal([client], roots: [try TestAuthority().pem])))
    #expect(isUntrusted(refusal([client], roots: [])))
  }

  @Test func intermediatesMayBeShownOrBeRootsThemselves() throws {
    let intermediate = try root.issue(.authority("intermediate"))
    let client = try client(of: intermediate)
    #expect(refusal([client, intermediate]) == nil)
    #expect(isUntrusted(refusal([client])))
    #expect(refusal([client], roots: [intermediate.pem]) == nil)
  }

  @Test func severalCertificatesInOneText() throws {
    let other = try TestAuthority(.authority("other"))
    let garbage = Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
    #expect(refusal([try client()], roots: [other.pem + garbage + root.pem]) == nil)
  }

  @Test func anExpiredCABesideTheRenewedOneDoesNoHarm() throws {
    var request = CertificateRequest.authority("root")
    request.notAfter = Date(timeIntervalSince1970: 1_750_000_000)
    let expired = try TestAuthority(request, key: root.key)
    let client = try client()
    #expect(refusal([client], roots: [expired.pem, root.pem]) == nil)
    #expect(refusal([client], roots: [root.pem, expired.pem]) == nil)
    #expect(isUntrusted(refusal([client], roots: [expired.pem])))
  }

  @Test func theWholeChainHasToAllowClients() throws {
    #expect(refusal([try client([.clientAuth])]) == nil)
    #expect(refusal([try client([.any])]) == nil)
    #expect(isUntrusted(refusal([try client([.serverAuth])])))
    var request = CertificateRequest.authority("for servers")
    request.extendedKeyUsage = [.serverAuth]
    let forServers = try TestAuthority(request)
    #expect(
      isUntrusted(refusal([try client(of: forServers)], roots: [forServers.pem])))
  }

  @Test func whatIsNoCertificateIsRefused() throws {
    let authorities = TLSAuthorities(clientRoots: [root.pem])
    let good = try client().der
    for shown in [[], [[]], [[1, 2, 3]], [good, []], [good.dropLast()]] as [[[UInt8]]] {
      #expect(throws: TLSCertificateProblem.self) {
        try authorities.check(client: shown, now: now)
      }
    }
    let many = [[UInt8]](repeating: good, count: 33)
    #expect(throws: TLSCertificateProblem.self) { try authorities.check(client: many, now: now) }
  }
}
