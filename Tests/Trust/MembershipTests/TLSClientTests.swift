// TLS clients under CAs as operators leave them: renewed, and made for other purposes.

import Foundation
import Testing
import X509

@testable import Membership

@Suite struct TLSClientTests {
  private let root: TestAuthority

  init() throws { root = try TestAuthority() }

  private func isTrusted(_ client: TestAuthority, roots: [TestAuthority]) throws -> Bool {
    let trust = try TLSPeerTrust(roots: roots.map(\.pem)) { 1_800_000_000 }
    return trust.refusal(of: [client.der], as: .client) == nil
  }

  private func client(
    _ usages: [ExtendedKeyUsage.Usage]? = nil, of authority: TestAuthority? = nil
  ) throws -> TestAuthority {
    var request = CertificateRequest.user()
    request.extendedKeyUsage = usages
    return try (authority ?? root).issue(request)
  }

  @Test func anExpiredCABesideTheRenewedOneDoesNoHarm() throws {
    var request = CertificateRequest.authority("root")
    request.notAfter = Date(timeIntervalSince1970: 1_750_000_000)
    let expired = try TestAuthority(request, key: root.key)
    let client = try client()
    #expect(try isTrusted(client, roots: [expired, root]))
    #expect(try isTrusted(client, roots: [root, expired]))
    #expect(try !isTrusted(client, roots: [expired]))
  }

  @Test func theWholeChainHasToAllowClients() throws {
    #expect(try isTrusted(client(), roots: [root]))
    #expect(try isTrusted(client([.clientAuth]), roots: [root]))
    #expect(try isTrusted(client([.any]), roots: [root]))
    #expect(try !isTrusted(client([.serverAuth]), roots: [root]))
    var request = CertificateRequest.authority("for servers")
    request.extendedKeyUsage = [.serverAuth]
    let forServers = try TestAuthority(request)
    #expect(try !isTrusted(client(of: forServers), roots: [forServers]))
  }
}
