// Signatures whose verification adds the points it should stumble over: equal, opposite, none, at infinity.

import Crypto
import TestSupport
import Testing

@testable import P256Tables

/// Verification computes R = u1 · G + u2 · Q. Who knows the private key d of Q can choose u1 and u2: with
/// R = (u1 + u2 · d) · G, a valid signature is r = x(R), s = r / u2 of the digest u1 · s.
@Suite struct ChosenSumTests {
  /// A signature that leads to these factors; nil if the sum is at infinity.
  static func signature(d: UInt256, u1: UInt256, u2: UInt256) throws -> TestSignature? {
    let sum = Modular.sum(u1, Modular.product(u2, d))
    guard !sum.isZero else { return nil }
    let point = try P256.Signing.PrivateKey(rawRepresentation: sum.bigEndianBytes).publicKey
    let r = Modular.reduced(UInt256(bigEndian: point.x963Representation.dropFirst().prefix(32)))
    let s = Modular.quotient(r, u2)
    return TestSignature(r: r, s: s, digest: Modular.product(u1, s))
  }

  /// Few digits, and those at the ends of a digit's range.
  static let factors: [UInt256] = {
    let small = [1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257].map {
      UInt256($0, 0, 0, 0)
    }
    let powers = [12, 24, 48, 64, 96, 120, 128, 192, 216, 240, 252, 253, 254, 255].map {
      UInt256(powerOfTwo: $0)
    }
    let negatives = (small + powers).map(Modular.negative)
    return (small + powers + negatives).map(Modular.reduced)
  }()

  static let privateKeys: [UInt256] =
    [1, 2, 3, 5, 16, 32, 64, 128].map { UInt256($0, 0, 0, 0) }
    + [1, 2, 3, 64].map { Modular.negative(UInt256($0, 0, 0, 0)) }
    + [UInt256(powerOfTwo: 24), UInt256(powerOfTwo: 240), Scalar.order.shiftedRight(by: 1)]

  @Test(arguments: privateKeys)
  func `sums of few and equal or opposite points come out right`(d: UInt256) throws {
    let key = try #require(TestKey(scalar: d))
    var infinite = 0
    for u2 in Self.factors {
      // Some that meet what u2 · d adds, or cancel it.
      let product = Modular.product(u2, d)
      let meeting = [product, Modular.negative(product), Modular.sum(product, product)]
      for u1 in [.zero] + Self.factors.filter({ $0.word0 % 3 == u2.word0 % 3 }) + meeting {
        guard let signature = try Self.signature(d: d, u1: u1, u2: u2) else {
          infinite += 1
          // No number is the x of the point at infinity.
          for r in [UInt256.one, UInt256(5, 6, 7, 8)] {
            let s = Modular.quotient(r, u2)
            let none = TestSignature(r: r, s: s, digest: Modular.product(u1, s))
            #expect(!key.isValid(none) && !key.isValidToLibrary(none))
          }
          continue
        }
        #expect(key.isValidToLibrary(signature))
        #expect(key.isValid(signature))
        var other = signature
        other.r = Modular.sum(other.r, .one)
        #expect(!key.isValid(other))
      }
    }
    #expect(infinite >= Self.factors.count)
  }

  @Test func `a digest of zero, or of the order, leaves only the key's multiple`() throws {
    var generator = SplitMix64(seed: 9)
    for _ in 0..<20 {
      let key = try #require(TestKey(scalar: .random(using: &generator)))
      let signature = try #require(try key.sign(.zero))
      #expect(key.isValid(signature) && key.isValidToLibrary(signature))
      let same = TestSignature(r: signature.r, s: signature.s, digest: Scalar.order)
      #expect(key.isValid(same) && key.isValidToLibrary(same))
    }
  }

  @Test func `an x of the order or more is its remainder as r`() throws {
    // Between n and p are about 2^128 numbers, of which no signature made at random has one. So: a point with
    // such an x, and then the public key that makes it the sum, Q = (s · R − z · G) / r.
    let ofGenerator = MultiplesTable(of: .generator, width: 5)
    var generator = SplitMix64(seed: 10)
    var found = 0
    for offset: UInt64 in 1..<60 {
      let remainder = UInt256(offset, 0, 0, 0)
      let x = Scalar.order.adding(remainder).sum
      guard let y = curveY(x), let point = AffinePoint(x: x, y: y) else { continue }
      found += 1
      let signature = TestSignature(
        r: remainder, s: Modular.reduced(.random(using: &generator)),
        digest: .random(using: &generator))
      var sum = MultiplesTable(of: point, width: 5).sum(
        multipleBy: Modular.quotient(signature.s, remainder))
      let ofG = Modular.negative(Modular.quotient(signature.digest, remainder))
      sum.add(ofGenerator.point(ofG))
      let publicPoint = try #require(sum.affine)
      let key = try #require(TestKey(uncompressedPoint: publicPoint.uncompressed))
      #expect(key.isValidToLibrary(signature))
      #expect(key.isValid(signature))
      // x itself is out of range, and one more is another number.
      for r in [x, UInt256(offset + 1, 0, 0, 0)] {
        let other = TestSignature(r: r, s: signature.s, digest: signature.digest)
        #expect(!key.isValid(other) && !key.isValidToLibrary(other))
      }
      // The same r with a sum whose x is r itself.
      guard let low = curveY(remainder).flatMap({ AffinePoint(x: remainder, y: $0) }) else {
        continue
      }
      var lowSum = MultiplesTable(of: low, width: 5).sum(
        multipleBy: Modular.quotient(signature.s, remainder))
      lowSum.add(ofGenerator.point(ofG))
      let lowPoint = try #require(lowSum.affine)
      let lowKey = try #require(TestKey(uncompressedPoint: lowPoint.uncompressed))
      #expect(lowKey.isValidToLibrary(signature) && lowKey.isValid(signature))
    }
    #expect(found > 15)
  }
}
