// Which public keys make a certificate malformed, as in Go's `crypto/x509`.

import Crypto
import SwiftASN1
import Testing
import _CryptoExtras

@testable import Membership

@Suite struct SubjectKeyTests {
  private func algorithm(_ der: [UInt8]) throws -> SubjectKey.Algorithm {
    try SubjectKey(DER.parse(der)).algorithm
  }

  private func info(_ algorithm: [UInt8], key: [UInt8]) -> [UInt8] {
    element(0x30, element(0x30, algorithm) + element(0x03, [0] + key))
  }

  private static let rsa = element(
    0x06, [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01])
  private static let ed25519 = element(0x06, [0x2B, 0x65, 0x70])
  private static let x25519 = element(0x06, [0x2B, 0x65, 0x6E])
  private static let null = element(0x05, [])

  @Test func `keys are told apart by their algorithm`() throws {
    #expect(try algorithm(Array(P521.Signing.PrivateKey().publicKey.derRepresentation)) == .ecdsa)
    let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048).publicKey.derRepresentation
    #expect(try algorithm(Array(rsa)) == .rsa)
    let key = [UInt8](repeating: 7, count: 32)
    #expect(try algorithm(info(Self.ed25519, key: key)) == .ed25519)
    #expect(try algorithm(info(Self.x25519, key: key)) == .unknown)
  }

  @Test func `an Ed25519 key has 32 bytes and no parameters`() {
    for size in [0, 31, 33] {
      #expect(throws: (any Error).self) {
        try algorithm(info(Self.ed25519, key: [UInt8](repeating: 7, count: size)))
      }
    }
    #expect(throws: (any Error).self) {
      try algorithm(info(Self.ed25519 + Self.null, key: [UInt8](repeating: 7, count: 32)))
    }
  }

  @Test func `an RSA key has NULL parameters and two numbers above zero`() throws {
    let good = element(0x30, integer([0xC5, 1]) + integer([3]))
    #expect(try algorithm(info(Self.rsa + Self.null, key: good)) == .rsa)
    #expect(throws: (any Error).self) { try algorithm(info(Self.rsa, key: good)) }
    for bad in [
      [], element(0x30, integer([5])), element(0x30, integer([0]) + integer([3])),
      element(0x30, integer([5]) + integer([0])),
      element(0x30, element(0x02, [0x85]) + integer([3])),
    ] {
      #expect(throws: (any Error).self) { try algorithm(info(Self.rsa + Self.null, key: bad)) }
    }
  }
}
