// Which Deliver requests are too old, too new, or somebody else's.

import FabricProtos
import Foundation
import Testing

@testable import AtomicBroadcast

@Suite struct RequestHeaderCheckTests {
  private static let now = Date(timeIntervalSince1970: 1_767_225_600)

  private func check(
    sentAt time: Date?, tlsHash claimed: [UInt8] = [], actual: [UInt8]? = nil,
    requiresBinding: Bool = false
  ) throws {
    let options = DeliverHandler.Options(
      timeWindow: .seconds(900), requiresBinding: requiresBinding, checksExpiration: true)
    let request = try Client.ordererAdmin().seek(
      .oldest, .oldest, time: time, tlsHash: claimed)
    try RequestHeaderCheck(options: options, now: Self.now)
      .check(EnvelopeView(request), tlsCertificateHash: actual)
  }

  @Test(arguments: [-900, -1, 0, 1, 900] as [TimeInterval])
  func withinTheWindowTheyAreTaken(_ offset: TimeInterval) throws {
    try check(sentAt: Self.now + offset)
  }

  @Test(arguments: [-901, 901, -1e9, 1e9] as [TimeInterval])
  func outsideOfTheWindowTheyAreNot(_ offset: TimeInterval) {
    #expect(throws: AccessDenied.self) { try check(sentAt: Self.now + offset) }
  }

  @Test func withoutATimestampTheyAreNot() {
    #expect(throws: AccessDenied.self) { try check(sentAt: nil) }
  }

  @Test func withMutualTLSTheyNameTheCertificateOfTheSession() throws {
    try check(sentAt: Self.now, tlsHash: [1, 2], actual: [1, 2], requiresBinding: true)
    for (claimed, actual) in [([], [1]), ([1], nil), ([1], [2])] as [([UInt8], [UInt8]?)] {
      #expect(throws: AccessDenied.self) {
        try check(sentAt: Self.now, tlsHash: claimed, actual: actual, requiresBinding: true)
      }
    }
  }

  @Test func withoutMutualTLSTheNameDoesNotMatter() throws {
    try check(sentAt: Self.now, tlsHash: [1], actual: nil)
  }
}
