// Inverses modulo a prime, up to a power of two that one multiplication takes out.

/// 2^exponent / number modulo the modulus, and the exponent, which is 254 to 511.
///
/// The first phase of Kaliski's "The Montgomery Inverse and Its Applications" (1995): a binary GCD that halves u
/// and v and, instead of halving their cofactors modulo the modulus, doubles the other one's. What holds all the
/// way:
///
///     u · s + v · r = modulus,   number · s ≡ v · 2^exponent,   number · r ≡ −u · 2^exponent
///
/// The first keeps r and s within 256 bits as long as u and v are above zero, so this stops when both are 1,
/// one step earlier than Kaliski. No processor can foresee which of two random numbers is greater, so there
/// is no branch: u and v change places, and the signs of their congruences with them. The time depends on the
/// number: for public ones only.
///
/// - Parameters:
///   - number: above zero and below the modulus.
///   - modulus: an odd prime of 256 bits.
func almostInverse(
  of number: UInt256, modulo modulus: UInt256
) -> (inverse: UInt256, exponent: Int) {
  precondition(!number.isZero && number < modulus, "zero has no inverse")
  var (u, v) = (modulus, number)
  var (r, s) = (UInt256.zero, UInt256.one)
  var exponent = 0
  // All ones while v has the sign of u and u that of v.
  var changed: UInt64 = 0
  halve(&v, cofactor: &r, &exponent)
  while true {
    // Both are odd.
    let (difference, borrow) = u.subtracting(v)
    guard !difference.isZero else { return (s.replaced(by: r, where: changed), exponent) }
    let isLess = 0 &- borrow
    changed ^= isLess
    // The lesser one stays, with its cofactor; the other's grows by it.
    let sum = r.adding(s).sum
    v = v.replaced(by: u, where: isLess)
    s = s.replaced(by: r, where: isLess)
    r = sum
    u = difference.negated(where: isLess)
    halve(&u, cofactor: &s, &exponent)
  }
}

/// Halves a number above zero until it is odd, and doubles the other one's cofactor as often.
@inline(__always)
private func halve(_ number: inout UInt256, cofactor: inout UInt256, _ exponent: inout Int) {
  repeat {
    let zeros = UInt64(truncatingIfNeeded: min(number.word0.trailingZeroBitCount, 63))
    number = number.shiftedRight(by: zeros)
    cofactor = cofactor.shiftedLeft(by: zeros)
    exponent += Int(truncatingIfNeeded: zeros)
  } while number.word0 & 1 == 0
}
