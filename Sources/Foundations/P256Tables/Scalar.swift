// Numbers modulo the curve's order n: what points are multiplied by.

/// Arithmetic modulo n. Unlike coordinates, of which a verification multiplies hundreds, these numbers are few:
/// so they are kept as they are, and their factors converted when needed.
enum Scalar {
  /// The number of the curve's points.
  static let order = UInt256(
    0xF3B9_CAC2_FC63_2551, 0xBCE6_FAAD_A717_9E84, 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_0000_0000)
  /// −1 / n modulo 2^64.
  private static let negativeInverse: UInt64 = 0xCCD1_C8AA_EE00_BC4F

  /// left · right / 2^256 modulo n, below n. One of the two has to be below n.
  static func montgomeryProduct(_ left: UInt256, _ right: UInt256) -> UInt256 {
    var sum = UInt256.zero
    var high: UInt64 = 0
    for word in [right.word0, right.word1, right.word2, right.word3] {
      var carry: UInt64
      (sum.word0, carry) = multiplyAdd(left.word0, word, sum.word0, 0)
      (sum.word1, carry) = multiplyAdd(left.word1, word, sum.word1, carry)
      (sum.word2, carry) = multiplyAdd(left.word2, word, sum.word2, carry)
      (sum.word3, carry) = multiplyAdd(left.word3, word, sum.word3, carry)
      let (word4, word5) = add(high, carry, 0)
      // A multiple of n that makes the lowest word zero, which is then left out.
      let multiple = sum.word0 &* negativeInverse
      (_, carry) = multiplyAdd(multiple, order.word0, sum.word0, 0)
      (sum.word0, carry) = multiplyAdd(multiple, order.word1, sum.word1, carry)
      (sum.word1, carry) = multiplyAdd(multiple, order.word2, sum.word2, carry)
      (sum.word2, carry) = multiplyAdd(multiple, order.word3, sum.word3, carry)
      (sum.word3, carry) = add(word4, carry, 0)
      high = word5 &+ carry
    }
    return sum.reducedOnce(carry: high, by: order)
  }

  /// 2^256 / number modulo n: the factor with which ``montgomeryProduct(_:_:)`` divides by the number, which is
  /// above zero and below n.
  static func montgomeryInverse(_ number: UInt256) -> UInt256 {
    var (inverse, exponent) = almostInverse(of: number, modulo: order)
    while exponent < 257 {
      let (double, carry) = inverse.adding(inverse)
      (inverse, exponent) = (double.reducedOnce(carry: carry, by: order), exponent + 1)
    }
    return montgomeryProduct(inverse, UInt256(powerOfTwo: 512 - exponent))
  }
}
