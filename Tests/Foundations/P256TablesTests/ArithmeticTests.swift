// Words, field and scalars, compared with arithmetic as on paper.

import TestSupport
import Testing

@testable import P256Tables

@Suite struct ArithmeticTests {
  let p = Divisor(Natural(FieldElement.modulus))
  let n = Divisor(Natural(Scalar.order))
  let twoTo256 = Natural.powerOfTwo(256)

  @Test func `the moduli are those of the standard`() {
    func power(_ exponent: Int) -> Natural { .powerOfTwo(exponent) }
    #expect(p.number == power(256) - power(224) + power(192) + power(96) - power(0))
    let order: [UInt8] = [
      0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
      0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
      0x25, 0x51,
    ]
    #expect(Scalar.order.bigEndianBytes == order)
    #expect(UInt256(bigEndian: order) == Scalar.order)
  }

  @Test func `bytes make the number they spell, and only 32 count`() {
    let bytes = (1...32).map { UInt8($0) }
    let number = UInt256(bigEndian: bytes)
    #expect(number.word3 == 0x0102_0304_0506_0708)
    #expect(number.word0 == 0x191A_1B1C_1D1E_1F20)
    #expect(number.bigEndianBytes == bytes)
    #expect(UInt256(bigEndian: bytes + [0xFF]) == number)
    #expect(UInt256(bigEndian: [0x01, 0x02]) == UInt256(0x0102, 0, 0, 0))
    #expect(UInt256(bigEndian: []) == .zero)
  }

  @Test func `sums, differences, orders and shifts are those on paper`() {
    var generator = SplitMix64(seed: 1)
    let numbers = UInt256.edges + (0..<40).map { _ in UInt256.extreme(using: &generator) }
    for left in numbers {
      let wide = Natural(left)
      for right in numbers {
        let (sum, carry) = left.adding(right)
        #expect(Natural(sum) + (carry == 1 ? twoTo256 : Natural(.zero)) == wide + Natural(right))
        let (difference, borrow) = left.subtracting(right)
        #expect((borrow == 1) == (wide < Natural(right)))
        #expect((left < right) == (borrow == 1))
        #expect(
          Natural(difference) + Natural(right) == wide + (borrow == 1 ? twoTo256 : Natural(.zero)))
        #expect(left.replaced(by: right, where: 0) == left)
        #expect(left.replaced(by: right, where: .max) == right)
      }
      #expect(left.negated(where: 0) == left)
      #expect(left.negated(where: .max) == UInt256.zero.subtracting(left).difference)
      for count in [0, 1, 5, 31, 32, 62, 63] {
        let shifted = left.shiftedLeft(by: UInt64(count))
        #expect(
          Natural(shifted) + Natural(
            UInt256(count == 0 ? 0 : left.word3 >> UInt64(64 - count), 0, 0, 0))
            * twoTo256 == wide * .powerOfTwo(count))
        let back = Natural(left.shiftedRight(by: UInt64(count)))
        let lost = UInt256(left.word0 & (1 << UInt64(count) - 1), 0, 0, 0)
        #expect(back * .powerOfTwo(count) + Natural(lost) == wide)
      }
    }
    for exponent in 0..<256 {
      #expect(Natural(UInt256(powerOfTwo: exponent)) == .powerOfTwo(exponent))
    }
  }

  @Test func `field operations are those on paper`() {
    let numbers = UInt256.samples(below: FieldElement.modulus, count: 44, seed: 2)
    for left in numbers {
      let element = FieldElement(left)
      let wide = Natural(left)
      #expect(element.number == left)
      #expect(Natural(element.residue) == p.remainder(wide * twoTo256))
      #expect(element.isZero == (left == .zero))
      #expect(Natural(element.squared().number) == p.remainder(wide * wide))
      #expect(Natural((-element).number) == p.remainder(p.number - wide))
      for right in numbers {
        let other = FieldElement(right)
        #expect(Natural((element + other).number) == p.remainder(wide + Natural(right)))
        #expect(Natural((element - other).number) == p.remainder(wide + p.number - Natural(right)))
        #expect(Natural((element * other).number) == p.remainder(wide * Natural(right)))
      }
    }
  }

  @Test func `squares are products, and all results are below p`() {
    var generator = SplitMix64(seed: 3)
    for _ in 0..<20_000 {
      let numbers = [UInt256.extreme(using: &generator), .extreme(using: &generator)]
      let (a, b) = (
        FieldElement(reduced(numbers[0])), FieldElement(reduced(numbers[1]))
      )
      let results = [a.squared(), a * b, a + b, a - b, -a]
      #expect(results[0] == a * a)
      #expect(a * b == b * a)
      #expect((a + b).squared() == a.squared() + a * b + a * b + b.squared())
      #expect((a - b) + b == a)
      #expect(results.allSatisfy { $0.residue < FieldElement.modulus })
    }
  }

  @Test func `products of scalars are those on paper`() {
    let factors = UInt256.samples(below: Scalar.order, count: 40, seed: 4)
    // One factor may be any number of 256 bits, as a digest is.
    let others = UInt256.samples(below: .maximum, count: 40, seed: 5) + [.maximum]
    for left in others {
      for right in factors {
        let product = Scalar.montgomeryProduct(left, right)
        #expect(product < Scalar.order)
        #expect(
          n.remainder(Natural(product) * twoTo256) == n.remainder(Natural(left) * Natural(right)))
        #expect(Scalar.montgomeryProduct(right, left) == product)
      }
    }
  }

  @Test func `a number times its inverse is one`() {
    for number in UInt256.samples(below: Scalar.order, count: 4000, seed: 6)
    where number != .zero {
      let inverse = Scalar.montgomeryInverse(number)
      #expect(inverse < Scalar.order)
      #expect(Scalar.montgomeryProduct(number, inverse) == .one)
    }
    for number in UInt256.samples(below: FieldElement.modulus, count: 4000, seed: 7)
    where number != .zero {
      let element = FieldElement(number)
      #expect(element * element.inverted() == .one)
    }
    for exponent in 0..<256 {
      let power = UInt256(powerOfTwo: exponent)
      guard power < Scalar.order else { continue }
      #expect(Scalar.montgomeryProduct(power, Scalar.montgomeryInverse(power)) == .one)
      #expect(FieldElement(power) * FieldElement(power).inverted() == .one)
    }
  }

  private func reduced(_ number: UInt256) -> UInt256 {
    number < FieldElement.modulus ? number : number.subtracting(FieldElement.modulus).difference
  }
}
