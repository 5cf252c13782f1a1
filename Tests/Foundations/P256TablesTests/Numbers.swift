// Numbers that tests of arithmetic start from, and their bytes.

import TestSupport

@testable import P256Tables

extension UInt256 {
  /// The bytes, the most significant first.
  var bigEndianBytes: [UInt8] {
    [word3, word2, word1, word0].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    }
  }

  /// The greatest one.
  static let maximum = UInt256(.max, .max, .max, .max)

  /// The number and those beside it, modulo 2^256.
  var neighbours: [UInt256] { [subtracting(.one).difference, self, adding(.one).sum] }

  static func random(using generator: inout SplitMix64) -> UInt256 {
    UInt256(generator.next(), generator.next(), generator.next(), generator.next())
  }

  /// One whose words are often all zeros, all ones, or one off: where carries run far.
  static func extreme(using generator: inout SplitMix64) -> UInt256 {
    func word() -> UInt64 {
      let choices: [UInt64] = [0, 1, .max, .max - 1, 1 << 63, 0xFFFF_FFFF, 0xFFFF_FFFF_0000_0000]
      return choices.randomElement(using: &generator).flatMap {
        Bool.random(using: &generator) ? $0 : nil
      } ?? generator.next()
    }
    return UInt256(word(), word(), word(), word())
  }

  /// 0, 1, p, n, half of n, 2^256 and powers of two, and what is next to them.
  static let edges: [UInt256] =
    [.zero, FieldElement.modulus, Scalar.order, Scalar.order.shiftedRight(by: 1)]
    .flatMap(\.neighbours)
    + [
      UInt256(powerOfTwo: 63), UInt256(powerOfTwo: 64), UInt256(powerOfTwo: 96),
      UInt256(powerOfTwo: 128), UInt256(powerOfTwo: 192), UInt256(powerOfTwo: 224),
      UInt256(powerOfTwo: 255), .maximum.subtracting(.one).difference,
      UInt256(.max, 0, .max, 0), UInt256(0, .max, 0, .max),
    ]

  /// Edges, then extreme and random numbers, all below a modulus.
  static func samples(below modulus: UInt256, count: Int, seed: UInt64) -> [UInt256] {
    var generator = SplitMix64(seed: seed)
    var samples = edges
    while samples.count < count {
      samples.append(extreme(using: &generator))
      samples.append(random(using: &generator))
    }
    return samples.filter { $0 < modulus }
  }
}
