// Verification with tables, compared with the library's: the same verdict on whatever is signed or forged.

import Foundation
import TestSupport
import Testing

@testable import P256Tables

@Suite struct DifferentialTests {
  /// How many random cases, a quarter of them valid signatures.
  static let cases =
    ProcessInfo.processInfo.environment["HEDDLE_ECDSA_CASES"].flatMap { Int($0) } ?? 8_000
  static let seed =
    ProcessInfo.processInfo.environment["HEDDLE_ECDSA_SEED"].flatMap { UInt64($0) } ?? 1

  /// What is done to a valid signature.
  enum Damage: CaseIterable {
    case none, otherS, digestBit, rBit, sBit, otherKey, edgeR, edgeS, edgeDigest
    case rPlusOrder, sPlusOrder, swapped, random, extreme, edgeSigned, extremeSigned
  }

  @Test func `tables and the library agree on valid, damaged and random signatures`() throws {
    print("seed \(Self.seed), \(Self.cases) cases")
    var generator = SplitMix64(seed: Self.seed)
    var valid = 0
    var keys: [TestKey] = []
    for round in 0..<Self.cases {
      // New keys now and then; a few have special private keys.
      if round % 2000 == 0 { keys = Self.keys(&generator) }
      let key = try #require(keys.randomElement(using: &generator))
      let damage = try #require(Damage.allCases.randomElement(using: &generator))
      let signature = try #require(try Self.signature(by: key, damage, &generator))
      let judge =
        damage == .otherKey ? try #require(keys.randomElement(using: &generator)) : key
      let expected = judge.isValidToLibrary(signature)
      if expected { valid += 1 }
      #expect(
        judge.isValid(signature) == expected,
        "round \(round): \(damage), \(signature), \(judge.publicKey.x963Representation)")
    }
    #expect(valid > Self.cases / 6 && valid < Self.cases / 2)
  }

  private static func keys(_ generator: inout SplitMix64) -> [TestKey] {
    let special = UInt256.edges.randomElement(using: &generator).flatMap(TestKey.init(scalar:))
    return (0..<8).compactMap { _ in TestKey(scalar: .random(using: &generator)) }
      + [special].compactMap { $0 }
  }

  private static func signature(
    by key: TestKey, _ damage: Damage, _ generator: inout SplitMix64
  ) throws -> TestSignature? {
    let edge = UInt256.edges.randomElement(using: &generator) ?? .zero
    let digest =
      switch damage {
      case .edgeSigned: edge
      case .extremeSigned: UInt256.extreme(using: &generator)
      default: UInt256.random(using: &generator)
      }
    guard var signature = try key.sign(digest) else { return nil }
    let bit = UInt256(powerOfTwo: .random(in: 0..<256, using: &generator))
    func flipped(_ number: UInt256) -> UInt256 {
      UInt256(
        number.word0 ^ bit.word0, number.word1 ^ bit.word1, number.word2 ^ bit.word2,
        number.word3 ^ bit.word3)
    }
    switch damage {
    case .none, .otherKey, .edgeSigned, .extremeSigned: break
    case .otherS: signature.s = Modular.negative(signature.s)
    case .digestBit: signature.digest = flipped(signature.digest)
    case .rBit: signature.r = flipped(signature.r)
    case .sBit: signature.s = flipped(signature.s)
    case .edgeR: signature.r = edge
    case .edgeS: signature.s = edge
    case .edgeDigest: signature.digest = edge
    // Modulo 2^256, which only matters for the few that are that small.
    case .rPlusOrder: signature.r = signature.r.adding(Scalar.order).sum
    case .sPlusOrder: signature.s = signature.s.adding(Scalar.order).sum
    case .swapped: swap(&signature.r, &signature.s)
    case .random:
      signature.r = .random(using: &generator)
      signature.s = .random(using: &generator)
    case .extreme:
      signature.r = .extreme(using: &generator)
      signature.s = .extreme(using: &generator)
      signature.digest = .extreme(using: &generator)
    }
    return signature
  }

  @Test func `zero, the order and what is above it are refused as r and as s`() throws {
    let key = try #require(TestKey(scalar: UInt256(7, 0, 0, 0)))
    let good = try #require(try key.sign(UInt256(1, 2, 3, 4)))
    #expect(key.isValid(good))
    let outside: [UInt256] =
      [.zero, Scalar.order, Scalar.order.adding(.one).sum, FieldElement.modulus, .maximum]
    for number in outside {
      for bad in [
        TestSignature(r: number, s: good.s, digest: good.digest),
        TestSignature(r: good.r, s: number, digest: good.digest),
        TestSignature(r: number, s: number, digest: good.digest),
        TestSignature(r: number, s: number, digest: .zero),
      ] {
        #expect(!key.isValid(bad))
        #expect(!key.isValidToLibrary(bad))
      }
    }
    for count in [0, 1, 63, 65, 128] {
      let raw = Array((good.raw + good.raw).prefix(count))
      good.digest.bigEndianBytes.withUnsafeBytes {
        #expect(!key.table.isValid(rawSignature: raw, digest: $0))
      }
    }
  }

  @Test func `of a digest the first 32 bytes count, and a shorter one is a smaller number`() throws
  {
    let key = try #require(TestKey(scalar: UInt256(77, 0, 0, 0)))
    for count in 0...32 {
      let bytes = [UInt8](repeating: 0xA5, count: count)
      let signature = try #require(try key.sign(UInt256(bigEndian: bytes)))
      bytes.withUnsafeBytes {
        #expect(key.table.isValid(rawSignature: signature.raw, digest: $0))
      }
      let padded = [UInt8](repeating: 0, count: 32 - count) + bytes + [1, 2, 3]
      padded.withUnsafeBytes {
        #expect(key.table.isValid(rawSignature: signature.raw, digest: $0))
      }
    }
  }
}
