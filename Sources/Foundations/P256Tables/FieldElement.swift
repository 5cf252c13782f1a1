// The field that the curve's coordinates are in: numbers modulo p = 2^256 − 2^224 + 2^192 + 2^96 − 1.

/// An element of the field, kept as its number times 2^256 modulo p (Montgomery's form), always below p.
struct FieldElement: Equatable, Sendable {
  /// The number times 2^256 modulo p.
  private(set) var residue: UInt256

  static let modulus = UInt256(
    0xFFFF_FFFF_FFFF_FFFF, 0x0000_0000_FFFF_FFFF, 0, Self.highWord)
  /// The most significant word of p. The others are what makes reduction cheap: with them,
  /// p ≡ −1 modulo 2^64 and (p + 1) / 2^64 = highWord · 2^128 + 2^32.
  private static let highWord: UInt64 = 0xFFFF_FFFF_0000_0001
  /// 2^512 modulo p.
  private static let squareOfTwoTo256 = UInt256(
    0x0000_0000_0000_0003, 0xFFFF_FFFB_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFE, 0x0000_0004_FFFF_FFFD)

  static let zero = FieldElement(residue: .zero)
  static let one = FieldElement(.one)

  @inline(__always)
  private init(residue: UInt256) { self.residue = residue }

  /// The element of a number below p.
  init(_ number: UInt256) {
    self = FieldElement(residue: number) * FieldElement(residue: Self.squareOfTwoTo256)
  }

  /// The number, below p.
  var number: UInt256 { (self * FieldElement(residue: .one)).residue }

  @inline(__always)
  var isZero: Bool { residue.isZero }

  @inline(__always)
  static func + (left: FieldElement, right: FieldElement) -> FieldElement {
    let (sum, carry) = left.residue.adding(right.residue)
    return FieldElement(residue: sum.reducedOnce(carry: carry, by: modulus))
  }

  @inline(__always)
  static func - (left: FieldElement, right: FieldElement) -> FieldElement {
    let (difference, borrow) = left.residue.subtracting(right.residue)
    // p or nothing, word by word.
    let mask = 0 &- borrow
    let correction = UInt256(mask, mask & modulus.word1, 0, mask & modulus.word3)
    return FieldElement(residue: difference.adding(correction).sum)
  }

  @inline(__always)
  static prefix func - (element: FieldElement) -> FieldElement { zero - element }

  /// The product: the other factor's words one after the other, and after each of them a multiple of p
  /// that makes the lowest word zero, which is then left out.
  @inline(__always)
  static func * (left: FieldElement, right: FieldElement) -> FieldElement {
    let (a, b) = (left.residue, right.residue)
    var sum = Partial()
    sum.add(a, times: b.word0)
    sum.reduce()
    sum.add(a, times: b.word1)
    sum.reduce()
    sum.add(a, times: b.word2)
    sum.reduce()
    sum.add(a, times: b.word3)
    sum.reduce()
    return FieldElement(residue: sum.low.reducedOnce(carry: sum.word4, by: modulus))
  }

  /// A sum of products while it is being reduced: below 2^320 + 2^256.
  private struct Partial {
    var low = UInt256.zero
    var word4: UInt64 = 0
    var word5: UInt64 = 0

    @inline(__always)
    mutating func add(_ a: UInt256, times b: UInt64) {
      var carry: UInt64
      (low.word0, carry) = multiplyAdd(a.word0, b, low.word0, 0)
      (low.word1, carry) = multiplyAdd(a.word1, b, low.word1, carry)
      (low.word2, carry) = multiplyAdd(a.word2, b, low.word2, carry)
      (low.word3, carry) = multiplyAdd(a.word3, b, low.word3, carry)
      (word4, word5) = P256Tables.add(word4, carry, 0)
    }

    /// Adds p times the lowest word, and divides by 2^64.
    @inline(__always)
    mutating func reduce() {
      let multiple = low.word0
      var carry: UInt64
      (low.word0, carry) = P256Tables.add(low.word1, multiple &<< 32, 0)
      (low.word1, carry) = P256Tables.add(low.word2, multiple &>> 32, carry)
      (low.word2, carry) = multiplyAdd(multiple, FieldElement.highWord, low.word3, carry)
      (low.word3, carry) = P256Tables.add(word4, carry, 0)
      word4 = word5 &+ carry
      word5 = 0
    }
  }

  /// The element times itself: the products of different words once and doubled, then those of equal words.
  @inline(__always)
  func squared() -> FieldElement {
    let a = residue
    // The products of different words, from 2^64 on.
    var (word1, carry) = multiplyAdd(a.word0, a.word1, 0, 0)
    var word2: UInt64
    var word3: UInt64
    var word4: UInt64
    var word5: UInt64
    var word6: UInt64
    (word2, carry) = multiplyAdd(a.word0, a.word2, carry, 0)
    (word3, word4) = multiplyAdd(a.word0, a.word3, carry, 0)
    (word3, carry) = multiplyAdd(a.word1, a.word2, word3, 0)
    (word4, word5) = multiplyAdd(a.word1, a.word3, word4, carry)
    (word5, word6) = multiplyAdd(a.word2, a.word3, word5, 0)
    // Twice that.
    var word7 = word6 &>> 63
    word6 = word6 &<< 1 | word5 &>> 63
    word5 = word5 &<< 1 | word4 &>> 63
    word4 = word4 &<< 1 | word3 &>> 63
    word3 = word3 &<< 1 | word2 &>> 63
    word2 = word2 &<< 1 | word1 &>> 63
    word1 = word1 &<< 1
    // The squares of the words.
    let square0 = multiplyAdd(a.word0, a.word0, 0, 0)
    let square1 = multiplyAdd(a.word1, a.word1, 0, 0)
    let square2 = multiplyAdd(a.word2, a.word2, 0, 0)
    let square3 = multiplyAdd(a.word3, a.word3, 0, 0)
    (word1, carry) = add(word1, square0.high, 0)
    (word2, carry) = add(word2, square1.low, carry)
    (word3, carry) = add(word3, square1.high, carry)
    (word4, carry) = add(word4, square2.low, carry)
    (word5, carry) = add(word5, square2.high, carry)
    (word6, carry) = add(word6, square3.low, carry)
    (word7, _) = add(word7, square3.high, carry)
    let low = Self.divided(UInt256(square0.low, word1, word2, word3))
    let (sum, overflow) = low.adding(UInt256(word4, word5, word6, word7))
    return FieldElement(residue: sum.reducedOnce(carry: overflow, by: Self.modulus))
  }

  /// A number at most p that is `number` / 2^256 modulo p.
  @inline(__always)
  private static func divided(_ number: UInt256) -> UInt256 {
    var rest = number
    rest = dividedByWord(rest)
    rest = dividedByWord(rest)
    rest = dividedByWord(rest)
    return dividedByWord(rest)
  }

  /// (number + p · its lowest word) / 2^64, which is below 2^256.
  @inline(__always)
  private static func dividedByWord(_ number: UInt256) -> UInt256 {
    let multiple = number.word0
    let (word0, carry0) = add(number.word1, multiple &<< 32, 0)
    let (word1, carry1) = add(number.word2, multiple &>> 32, carry0)
    let (word2, word3) = multiplyAdd(multiple, highWord, number.word3, carry1)
    return UInt256(word0, word1, word2, word3)
  }

  /// What gives 1 times this element, which must not be zero.
  func inverted() -> FieldElement {
    // With a for the element's number, this is 2^exponent / (a · 2^256); wanted is 2^256 / a.
    var (inverse, exponent) = almostInverse(of: residue, modulo: Self.modulus)
    while exponent < 257 {
      (inverse, exponent) = (
        (FieldElement(residue: inverse) + FieldElement(residue: inverse)).residue, exponent + 1
      )
    }
    return FieldElement(residue: inverse)
      * FieldElement(UInt256(powerOfTwo: 512 - exponent))
  }
}
