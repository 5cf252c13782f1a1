// Signatures with chosen numbers in them, and the library's verdict on them.

import Crypto
import TestSupport

@testable import P256Tables

/// A digest of any 32 bytes.
struct TestDigest: Digest {
  static var byteCount: Int { 32 }

  let bytes: [UInt8]

  init(_ number: UInt256) { bytes = number.bigEndianBytes }

  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes(body)
  }

  func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

/// r, s and the digest that they may be a signature of.
struct TestSignature: Equatable {
  var r: UInt256
  var s: UInt256
  var digest: UInt256

  var raw: [UInt8] { r.bigEndianBytes + s.bigEndianBytes }
}

/// A public key with its table, and in the library's form.
struct TestKey {
  let table: VerificationTable
  let publicKey: P256.Signing.PublicKey
  /// Nil if nobody knows it.
  let privateKey: P256.Signing.PrivateKey?

  /// Nil if the number is no private key.
  init?(scalar: UInt256) {
    guard let key = try? P256.Signing.PrivateKey(rawRepresentation: scalar.bigEndianBytes) else {
      return nil
    }
    self.init(uncompressedPoint: Array(key.publicKey.x963Representation), privateKey: key)
  }

  init?(uncompressedPoint: [UInt8], privateKey: P256.Signing.PrivateKey? = nil) {
    guard let table = VerificationTable(uncompressedPoint: uncompressedPoint),
      let publicKey = try? P256.Signing.PublicKey(x963Representation: uncompressedPoint)
    else { return nil }
    self.table = table
    self.publicKey = publicKey
    self.privateKey = privateKey
  }

  /// What the table says.
  func isValid(_ signature: TestSignature) -> Bool {
    signature.digest.bigEndianBytes.withUnsafeBytes {
      table.isValid(rawSignature: signature.raw, digest: $0)
    }
  }

  /// What the library says.
  func isValidToLibrary(_ signature: TestSignature) -> Bool {
    guard let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature.raw) else {
      return false
    }
    return publicKey.isValidSignature(parsed, for: TestDigest(signature.digest))
  }

  /// A signature by the library.
  func sign(_ digest: UInt256) throws -> TestSignature? {
    guard let raw = try privateKey?.signature(for: TestDigest(digest)).rawRepresentation else {
      return nil
    }
    return TestSignature(
      r: UInt256(bigEndian: raw.prefix(32)), s: UInt256(bigEndian: raw.dropFirst(32)),
      digest: digest)
  }
}

/// Arithmetic modulo n that tests need, on the room's own, which has tests of its own.
enum Modular {
  static func product(_ left: UInt256, _ right: UInt256) -> UInt256 {
    let half = Scalar.montgomeryProduct(left, reduced(right))
    return Scalar.montgomeryProduct(half, squareOfTwoTo256)
  }

  static func quotient(_ left: UInt256, _ right: UInt256) -> UInt256 {
    Scalar.montgomeryProduct(left, Scalar.montgomeryInverse(right))
  }

  static func sum(_ left: UInt256, _ right: UInt256) -> UInt256 {
    let (sum, carry) = reduced(left).adding(reduced(right))
    return sum.reducedOnce(carry: carry, by: Scalar.order)
  }

  static func negative(_ number: UInt256) -> UInt256 {
    let reduced = reduced(number)
    return reduced.isZero ? .zero : Scalar.order.subtracting(reduced).difference
  }

  static func reduced(_ number: UInt256) -> UInt256 {
    number < Scalar.order ? number : number.subtracting(Scalar.order).difference
  }

  /// 2^512 modulo n: 2^256 modulo n doubled as often.
  private static let squareOfTwoTo256 = (0..<256).reduce(
    UInt256.zero.subtracting(Scalar.order).difference
  ) { number, _ in sum(number, number) }
}
