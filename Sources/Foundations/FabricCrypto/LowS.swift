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

// Where low S is enforced: no other way leads from a signature's bytes to the library, or back.
extension ECDSASignatureFormat {
  /// The raw form (r and s, each padded to the curve's size) of a wire-form signature whose S is low;
  /// nil for everything else.
  ///
  /// The rules are those of Go's `encoding/asn1` reading a structure of two numbers, since two orderers
  /// of one cluster must agree on what a signature is: minimal lengths, minimal positive integers.
  /// Like Go, it ignores what follows S inside the sequence and what follows the sequence.
  /// Fabric: `bccsp/utils` (`UnmarshalECDSASignature`, `IsLowS`).
  static func rawLowS(_ signature: ArraySlice<UInt8>, curve: ECDSACurve) -> [UInt8]? {
    guard let (r, s) = numbers(signature) else { return nil }
    let size = curve.coordinateByteCount
    guard r.count <= size, s.count <= size else { return nil }
    var raw = [UInt8](repeating: 0, count: 2 * size)
    raw.replaceSubrange((size - r.count)..<size, with: r)
    raw.replaceSubrange((2 * size - s.count)..., with: s)
    guard LowS.isLow(raw[size...], on: curve) else { return nil }
    return raw
  }

  /// The wire form of a raw signature, with its S flipped to the low one of the two that are valid.
  static func encodeLowS(raw: [UInt8], curve: ECDSACurve) -> [UInt8] {
    let size = curve.coordinateByteCount
    return encode(
      r: raw[..<size], s: LowS.lowered(Array(raw[size...]), on: curve)[...])
  }

  /// The same signature in wire form with low S, re-encoded in the one canonical form; nil if it is
  /// not a signature on this curve. Fabric: `bccsp/utils` (`SignatureToLowS`).
  package static func canonicalized(_ signature: ArraySlice<UInt8>, curve: ECDSACurve) -> [UInt8]? {
    guard let (r, s) = numbers(signature) else { return nil }
    let size = curve.coordinateByteCount
    guard r.count <= size, s.count <= size else { return nil }
    let padded = [UInt8](repeating: 0, count: size - s.count) + s
    // An S beyond the order has no low counterpart. No signature that verifies has one.
    guard !LowS.exceeds(padded[...], curve.order), padded != curve.order else { return nil }
    return encode(r: r, s: LowS.lowered(padded, on: curve)[...])
  }
}
