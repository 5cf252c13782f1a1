// Which parameters of RSA-PSS are understood.

import SwiftASN1
import Testing

@testable import Membership

@Suite struct PSSHashTests {
  private static func hash(_ number: UInt8) -> [UInt8] {
    element(0x06, [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, number])
  }
  private static let mask = element(
    0x06, [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08])
  private static let null = element(0x05, [])

  private func parameters(
    hash: [UInt8] = hash(1) + null, maskHash: [UInt8] = hash(1) + null, salt: UInt8 = 32,
    mask: [UInt8] = mask, trailer: [UInt8] = []
  ) throws -> PSSHash? {
    let der = element(
      0x30,
      element(0xA0, element(0x30, hash))
        + element(0xA1, element(0x30, mask + element(0x30, maskHash)))
        + element(0xA2, integer([salt])) + trailer)
    return PSSHash(parameters: try DER.parse(der))
  }

  @Test func `the salt is as long as the digest, and both hashes are one`() throws {
    #expect(try parameters() == .sha256)
    #expect(try parameters(hash: Self.hash(2), maskHash: Self.hash(2), salt: 48) == .sha384)
    #expect(try parameters(hash: Self.hash(3), maskHash: Self.hash(3), salt: 64) == .sha512)
    #expect(try parameters(trailer: element(0xA3, integer([1]))) == .sha256)
    #expect(try parameters(salt: 20) == nil)
    #expect(try parameters(maskHash: Self.hash(2)) == nil)
    #expect(try parameters(hash: Self.hash(4), maskHash: Self.hash(4)) == nil)
    #expect(try parameters(hash: Self.hash(1) + integer([1])) == nil)
    #expect(try parameters(mask: Self.hash(1)) == nil)
    #expect(try parameters(trailer: element(0xA3, integer([2]))) == nil)
    #expect(PSSHash(parameters: nil) == nil)
    #expect(PSSHash(parameters: try DER.parse(element(0x30, []))) == nil)
  }
}
