// Low S: the one form of an ECDSA signature that Fabric accepts.

/// If (r, s) is a signature, so is (r, n − s), and anybody can turn one into the other. To keep
/// everyone but the signer from changing a message, Fabric makes and accepts only the form whose S
/// is at most half the curve's order n.
/// Fabric: `bccsp/utils/ecdsa.go`.
///
/// Numbers are big-endian and as long as the curve's coordinates.
enum LowS {
  /// Whether S is the lower of the two; the half itself counts as low.
  static func isLow(_ s: ArraySlice<UInt8>, on curve: ECDSACurve) -> Bool {
    !exceeds(s, curve.halfOrder)
  }

  /// The lower of S and n − S.
  static func lowered(_ s: [UInt8], on curve: ECDSACurve) -> [UInt8] {
    guard !isLow(s[...], on: curve) else { return s }
    var difference = curve.order
    var borrow = 0
    for index in difference.indices.reversed() {
      let digit = Int(difference[index]) - Int(s[index]) - borrow
      borrow = digit < 0 ? 1 : 0
      difference[index] = UInt8(truncatingIfNeeded: digit)
    }
    return difference
  }

  /// Whether one number is above another of the same length.
  static func exceeds(_ number: ArraySlice<UInt8>, _ limit: [UInt8]) -> Bool {
    for (digit, bound) in zip(number, limit) where digit != bound { return digit > bound }
    return false
  }
}
