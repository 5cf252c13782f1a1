// Keys and signatures: Fabric's rules on top of the library's.

import Crypto
import Foundation
import Testing

@testable import FabricCrypto

@Suite struct ECDSATests {
  let message = Array("a message to sign".utf8)

  @Test(arguments: [ECDSACurve.p256, .p384, .p521])
  func `what a key signs its public half verifies`(curve: ECDSACurve) throws {
    let key = try ECDSAPrivateKey.generate(curve: curve)
    let other = try ECDSAPrivateKey.generate(curve: curve)
    for _ in 0..<40 {
      let signature = try key.sign([message[0..<3], message[3...]])[...]
      #expect(key.publicKey.isValid(signature: signature, for: message[...]))
      #expect(
        key.publicKey.isValid(
          signature: signature, forMessageParts: [message[..<9], [], message[9...]]))
      #expect(
        key.publicKey.isValid(signature: signature, forDigest: SHA256Digest.hash(message)))
      #expect(!key.publicKey.isValid(signature: signature, for: message.dropLast()))
      #expect(!other.publicKey.isValid(signature: signature, for: message[...]))
    }
    #expect(!key.publicKey.isValid(signature: [], for: message[...]))
    let signature = try key.sign(message[...])[...]
    #expect(!key.publicKey.isValid(signature: signature, forDigest: [1, 2, 3]))
    #expect(!key.publicKey.isValid(signature: signature, forDigest: []))
  }

  @Test(arguments: [ECDSACurve.p256, .p384, .p521])
  func `high-S signatures are refused and low-S ones are made`(curve: ECDSACurve) throws {
    let key = try ECDSAPrivateKey.generate(curve: curve)
    for _ in 0..<40 {
      let low = try key.sign(message[...])
      let high = try #require(TestSignature.flipped(low, curve: curve))
      #expect(high != low)
      #expect(!key.publicKey.isValid(signature: high[...], for: message[...]))
      #expect(ECDSASignatureFormat.canonicalized(high[...], curve: curve) == low)
      #expect(ECDSASignatureFormat.canonicalized(low[...], curve: curve) == low)
    }
  }

  @Test func `a high-S signature is refused although the library accepts it`() throws {
    let key = P256.Signing.PrivateKey()
    let publicKey = try ECDSAPublicKey(
      derSubjectPublicKeyInfo: Array(key.publicKey.derRepresentation))
    var highs = 0
    for _ in 0..<40 {
      let signature = try key.signature(for: message)
      #expect(key.publicKey.isValidSignature(signature, for: message))
      let isHigh = signature.rawRepresentation.dropFirst(32).lexicographicallyPrecedes(
        ECDSACurve.p256.halfOrder)
      if !isHigh { highs += 1 }
      let der = Array(signature.derRepresentation)
      #expect(publicKey.isValid(signature: der[...], for: message[...]) == isHigh)
    }
    #expect(highs > 0 && highs < 40)
  }

  @Test func `the bound of low S is half the order, inclusive`() {
    for curve in [ECDSACurve.p256, .p384, .p521] {
      let half = curve.halfOrder
      #expect(
        ECDSASignatureFormat.rawLowS(TestSignature.encode(r: [1], s: half)[...], curve: curve)
          != nil)
      var above = half
      above[above.count - 1] += 1
      #expect(
        ECDSASignatureFormat.rawLowS(TestSignature.encode(r: [1], s: above)[...], curve: curve)
          == nil)
      // Twice half the order, plus one, is the order.
      var carry: UInt16 = 1
      var doubled = half
      for index in doubled.indices.reversed() {
        let sum = UInt16(half[index]) * 2 + carry
        doubled[index] = UInt8(truncatingIfNeeded: sum)
        carry = sum >> 8
      }
      #expect(doubled == curve.order)
    }
  }

  @Test(
    arguments: [
      [], [0x30], [0x30, 0x00], [0x30, 0x80, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x00, 0x00],
      [0x30, 0x03, 0x02, 0x01, 0x01], [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x01],
      [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x00],
      [0x30, 0x06, 0x02, 0x01, 0x81, 0x02, 0x01, 0x01],
      [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0xFF],
      [0x30, 0x07, 0x02, 0x02, 0x00, 0x01, 0x02, 0x01, 0x01],
      [0x30, 0x05, 0x02, 0x00, 0x02, 0x01, 0x01],
      [0x30, 0x81, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
      [0x30, 0x82, 0x00, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
      [0x30, 0x07, 0x02, 0x81, 0x01, 0x01, 0x02, 0x01, 0x01],
      [0x31, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
      [0x30, 0x06, 0x03, 0x01, 0x01, 0x02, 0x01, 0x01],
      [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x02, 0x01],
      [0x30, 0x7F, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
      [0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
      [0x30, 0xFF] + [UInt8](repeating: 0xFF, count: 127),
    ] as [[UInt8]])
  func `malformed signatures are refused`(signature: [UInt8]) {
    #expect(ECDSASignatureFormat.numbers(signature[...]) == nil)
  }

  @Test func `like Go's parser, what follows the two numbers is not looked at`() throws {
    let key = try ECDSAPrivateKey.generate()
    var signature = try key.sign(message[...])
    #expect(key.publicKey.isValid(signature: (signature + [1, 2])[...], for: message[...]))
    signature[1] += 3
    #expect(
      key.publicKey.isValid(signature: (signature + [0x02, 0x01, 0x05])[...], for: message[...]))
  }

  @Test func `two numbers of P-521 need a length of two bytes`() throws {
    let key = try ECDSAPrivateKey.generate(curve: .p521)
    let sizes = try (0..<40).map { _ in
      let signature = try key.sign(message[...])
      #expect(signature[1] < 0x80 ? signature.count == 2 + Int(signature[1]) : signature[1] == 0x81)
      return signature.count
    }
    // r and s have 65 or 66 bytes each in nearly all signatures.
    #expect(try #require(sizes.max()) > 0x83)
  }

  @Test func `numbers larger than the curve are refused`() throws {
    let key = try ECDSAPrivateKey.generate()
    for size in [33, 48, 49, 70] {
      let large = [UInt8](repeating: 0x7F, count: size)
      for signature in [
        TestSignature.encode(r: large, s: [1]), TestSignature.encode(r: [1], s: large),
      ] {
        #expect(!key.publicKey.isValid(signature: signature[...], for: message[...]))
      }
    }
    // r equal to the order is out of range too.
    let signature = TestSignature.encode(r: ECDSACurve.p256.order, s: [1])
    #expect(!key.publicKey.isValid(signature: signature[...], for: message[...]))
  }

  @Test func `mutations of a signature never verify and never crash`() throws {
    let key = try ECDSAPrivateKey.generate()
    let signature = try key.sign(message[...])
    var generator = SystemRandomNumberGenerator()
    for round in 0..<20_000 {
      var mutated = signature
      let index = Int.random(in: 0..<mutated.count, using: &generator)
      switch round % 4 {
      case 0: mutated[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: mutated.removeSubrange(index...)
      case 2: mutated.remove(at: index)
      default:
        for index in mutated.indices.prefix(6) {
          mutated[index] = UInt8.random(in: 0...255, using: &generator)
        }
      }
      if mutated == signature { continue }
      if round % 4 == 2, ECDSASignatureFormat.numbers(mutated[...]) == nil { continue }
      #expect(!key.publicKey.isValid(signature: mutated[...], for: message[...]))
    }
  }
}

/// Signatures as they should not be.
enum TestSignature {
  /// The same signature with the other S.
  static func flipped(_ signature: [UInt8], curve: ECDSACurve) -> [UInt8]? {
    guard let (r, s) = ECDSASignatureFormat.numbers(signature[...]) else { return nil }
    var difference = curve.order
    let padded = [UInt8](repeating: 0, count: curve.coordinateByteCount - s.count) + s
    var borrow = 0
    for index in difference.indices.reversed() {
      let digit = Int(difference[index]) - Int(padded[index]) - borrow
      borrow = digit < 0 ? 1 : 0
      difference[index] = UInt8(truncatingIfNeeded: digit)
    }
    return encode(r: Array(r), s: difference)
  }

  /// A signature of any two numbers.
  static func encode(r: [UInt8], s: [UInt8]) -> [UInt8] {
    func integer(_ number: [UInt8]) -> [UInt8] {
      var digits = Array(number.drop { $0 == 0 })
      if digits.first.map({ $0 & 0x80 != 0 }) ?? true { digits.insert(0, at: 0) }
      return element(0x02, digits)
    }
    return element(0x30, integer(r) + integer(s))
  }

  static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    content.count < 0x80
      ? [tag, UInt8(content.count)] + content
      : content.count < 0x100
        ? [tag, 0x81, UInt8(content.count)] + content
        : [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
  }
}
