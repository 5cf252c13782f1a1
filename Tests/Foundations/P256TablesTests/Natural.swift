// Whole numbers of any size, as they are done on paper: what the room's arithmetic is compared with.

@testable import P256Tables

/// A number in digits of 16 bits, the least significant first, without zeros at the end.
struct Natural: Equatable, Comparable {
  private(set) var digits: [UInt32]

  init(digits: [UInt32]) {
    self.digits = digits
    while self.digits.last == 0 { self.digits.removeLast() }
  }

  init(_ number: UInt256) {
    self.init(
      digits: [number.word0, number.word1, number.word2, number.word3].flatMap { word in
        (0..<4).map { UInt32(word >> (16 * $0) & 0xFFFF) }
      })
  }

  static func powerOfTwo(_ exponent: Int) -> Natural {
    Natural(
      digits: [UInt32](repeating: 0, count: exponent / 16) + [1 << UInt32(exponent % 16)])
  }

  /// The number, which must be below 2^256.
  var number: UInt256 {
    let words = (0..<4).map { word in
      (0..<4).reduce(UInt64(0)) { sum, digit in
        let index = word * 4 + digit
        return sum | UInt64(index < digits.count ? digits[index] : 0) << UInt64(16 * digit)
      }
    }
    precondition(digits.count <= 16)
    return UInt256(words[0], words[1], words[2], words[3])
  }

  static func < (left: Natural, right: Natural) -> Bool {
    guard left.digits.count == right.digits.count else {
      return left.digits.count < right.digits.count
    }
    var index = left.digits.count - 1
    while index >= 0 {
      if left.digits[index] != right.digits[index] {
        return left.digits[index] < right.digits[index]
      }
      index -= 1
    }
    return false
  }

  static func + (left: Natural, right: Natural) -> Natural {
    var sums: [UInt32] = []
    var carry: UInt32 = 0
    for index in 0..<max(left.digits.count, right.digits.count) {
      let sum =
        (index < left.digits.count ? left.digits[index] : 0)
        + (index < right.digits.count ? right.digits[index] : 0) + carry
      sums.append(sum & 0xFFFF)
      carry = sum >> 16
    }
    return Natural(digits: sums + [carry])
  }

  /// The difference of a number and one that is not greater.
  static func - (left: Natural, right: Natural) -> Natural {
    var differences: [UInt32] = []
    var borrow: UInt32 = 0
    for index in left.digits.indices {
      let taken = (index < right.digits.count ? right.digits[index] : 0) + borrow
      borrow = left.digits[index] < taken ? 1 : 0
      differences.append(left.digits[index] + borrow << 16 - taken)
    }
    precondition(borrow == 0 && left.digits.count >= right.digits.count)
    return Natural(digits: differences)
  }

  static func * (left: Natural, right: Natural) -> Natural {
    var product = [UInt32](repeating: 0, count: left.digits.count + right.digits.count)
    for (position, digit) in left.digits.enumerated() {
      var carry: UInt32 = 0
      for (other, factor) in right.digits.enumerated() {
        let sum = product[position + other] + digit * factor + carry
        product[position + other] = sum & 0xFFFF
        carry = sum >> 16
      }
      product[position + right.digits.count] = carry
    }
    return Natural(digits: product)
  }
}

/// Remainders of one divisor.
struct Divisor {
  /// The divisor times 1, 2, 4 and so on.
  private let multiples: [Natural]

  init(_ divisor: Natural) {
    multiples = (0...260).map { divisor * .powerOfTwo($0) }
  }

  var number: Natural { multiples[0] }

  /// What is left when the divisor is taken away as often as possible, its greatest multiples first. For numbers
  /// below the divisor times 2^261.
  func remainder(_ number: Natural) -> Natural {
    var rest = number
    for multiple in multiples.reversed() where !(rest < multiple) { rest = rest - multiple }
    return rest
  }
}
