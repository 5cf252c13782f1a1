// Numbers of 256 bits in four words, and what carries from one word to the next.

/// A number below 2^256, as far as the curve's arithmetic needs one.
struct UInt256: Equatable, Sendable {
  /// The words, the least significant first.
  var word0: UInt64
  var word1: UInt64
  var word2: UInt64
  var word3: UInt64

  static let zero = UInt256(0, 0, 0, 0)
  static let one = UInt256(1, 0, 0, 0)

  /// Takes the words, the least significant first.
  @inline(__always)
  init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
    self.word0 = word0
    self.word1 = word1
    self.word2 = word2
    self.word3 = word3
  }

  /// The number that big-endian bytes stand for. Of more than 32 bytes, the first 32 count.
  init(bigEndian bytes: some Sequence<UInt8>) {
    self = .zero
    for byte in bytes.prefix(32) {
      word3 = word3 &<< 8 | word2 &>> 56
      word2 = word2 &<< 8 | word1 &>> 56
      word1 = word1 &<< 8 | word0 &>> 56
      word0 = word0 &<< 8 | UInt64(byte)
    }
  }

  /// 2^exponent, for an exponent below 256.
  init(powerOfTwo exponent: Int) {
    let bit: UInt64 = 1 &<< UInt64(exponent & 63)
    let word = exponent >> 6
    self.init(word == 0 ? bit : 0, word == 1 ? bit : 0, word == 2 ? bit : 0, word == 3 ? bit : 0)
  }

  @inline(__always)
  var isZero: Bool { word0 | word1 | word2 | word3 == 0 }

  @inline(__always)
  static func < (left: UInt256, right: UInt256) -> Bool { left.subtracting(right).borrow != 0 }

  /// The sum modulo 2^256, and its 257th bit.
  @inline(__always)
  func adding(_ other: UInt256) -> (sum: UInt256, carry: UInt64) {
    let (sum0, carry0) = add(word0, other.word0, 0)
    let (sum1, carry1) = add(word1, other.word1, carry0)
    let (sum2, carry2) = add(word2, other.word2, carry1)
    let (sum3, carry3) = add(word3, other.word3, carry2)
    return (UInt256(sum0, sum1, sum2, sum3), carry3)
  }

  /// The difference modulo 2^256, and 1 if the other number is the greater one.
  @inline(__always)
  func subtracting(_ other: UInt256) -> (difference: UInt256, borrow: UInt64) {
    let (difference0, borrow0) = subtract(word0, other.word0, 0)
    let (difference1, borrow1) = subtract(word1, other.word1, borrow0)
    let (difference2, borrow2) = subtract(word2, other.word2, borrow1)
    let (difference3, borrow3) = subtract(word3, other.word3, borrow2)
    return (UInt256(difference0, difference1, difference2, difference3), borrow3)
  }

  /// The number times 2^count modulo 2^256, for a count of 0 to 63.
  @inline(__always)
  func shiftedLeft(by count: UInt64) -> UInt256 {
    UInt256(
      word0 &<< count, word1 &<< count | topBits(word0, count),
      word2 &<< count | topBits(word1, count), word3 &<< count | topBits(word2, count))
  }

  /// The number divided by 2^count and rounded down, for a count of 0 to 63.
  @inline(__always)
  func shiftedRight(by count: UInt64) -> UInt256 {
    UInt256(
      word0 &>> count | lowBits(word1, count), word1 &>> count | lowBits(word2, count),
      word2 &>> count | lowBits(word3, count), word3 &>> count)
  }

  /// The number, or the other one if the mask is all ones instead of zero.
  @inline(__always)
  func replaced(by other: UInt256, where mask: UInt64) -> UInt256 {
    UInt256(
      word0 ^ (word0 ^ other.word0) & mask, word1 ^ (word1 ^ other.word1) & mask,
      word2 ^ (word2 ^ other.word2) & mask, word3 ^ (word3 ^ other.word3) & mask)
  }

  /// The number, or 2^256 less it if the mask is all ones instead of zero.
  @inline(__always)
  func negated(where mask: UInt64) -> UInt256 {
    UInt256(word0 ^ mask, word1 ^ mask, word2 ^ mask, word3 ^ mask)
      .adding(UInt256(mask & 1, 0, 0, 0)).sum
  }

  /// What is below the modulus and differs from `carry` · 2^256 + self by none or one of it. That sum has
  /// to be below twice the modulus.
  @inline(__always)
  func reducedOnce(carry: UInt64, by modulus: UInt256) -> UInt256 {
    let (difference, borrow) = subtracting(modulus)
    return carry < borrow ? self : difference
  }
}

/// a + b + carry as a low word and the carry that follows from it. `carry` is at most 1.
@inline(__always)
func add(_ a: UInt64, _ b: UInt64, _ carry: UInt64) -> (low: UInt64, carry: UInt64) {
  let sum =
    UInt128(truncatingIfNeeded: a) &+ UInt128(truncatingIfNeeded: b)
    &+ UInt128(truncatingIfNeeded: carry)
  return (UInt64(truncatingIfNeeded: sum), UInt64(truncatingIfNeeded: sum &>> 64))
}

/// a - b - borrow modulo 2^64, and 1 if that is below zero. `borrow` is at most 1.
@inline(__always)
func subtract(_ a: UInt64, _ b: UInt64, _ borrow: UInt64) -> (low: UInt64, borrow: UInt64) {
  let difference =
    UInt128(truncatingIfNeeded: a) &- UInt128(truncatingIfNeeded: b)
    &- UInt128(truncatingIfNeeded: borrow)
  return (
    UInt64(truncatingIfNeeded: difference), UInt64(truncatingIfNeeded: difference &>> 64) & 1
  )
}

/// a · b + c + d in two words, which it always fits.
@inline(__always)
func multiplyAdd(
  _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64
) -> (low: UInt64, high: UInt64) {
  let sum =
    UInt128(truncatingIfNeeded: a) &* UInt128(truncatingIfNeeded: b)
    &+ UInt128(truncatingIfNeeded: c) &+ UInt128(truncatingIfNeeded: d)
  return (UInt64(truncatingIfNeeded: sum), UInt64(truncatingIfNeeded: sum &>> 64))
}

/// The first `count` bits of a word, 0 to 63 of them, as the last ones.
@inline(__always)
private func topBits(_ word: UInt64, _ count: UInt64) -> UInt64 {
  // In two steps: shifting a word by 64 is not shifting it.
  (word &>> 1) &>> (63 &- count)
}

/// The last `count` bits of a word, 0 to 63 of them, as the first ones.
@inline(__always)
private func lowBits(_ word: UInt64, _ count: UInt64) -> UInt64 {
  (word &<< 1) &<< (63 &- count)
}
