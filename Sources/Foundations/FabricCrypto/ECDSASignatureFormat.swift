// The two forms of an ECDSA signature: ASN.1 `SEQUENCE { r INTEGER, s INTEGER }` on the wire, and the
// two numbers side by side that the library works with.

/// Conversions between the wire form and the raw form of a signature.
package enum ECDSASignatureFormat {
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

  /// r and s without leading zeros.
  static func numbers(
    _ signature: ArraySlice<UInt8>
  ) -> (r: ArraySlice<UInt8>, s: ArraySlice<UInt8>)? {
    var outer = signature
    guard var sequence = element(of: &outer, tag: 0x30),
      let r = element(of: &sequence, tag: 0x02).flatMap(positive),
      let s = element(of: &sequence, tag: 0x02).flatMap(positive)
    else { return nil }
    return (r, s)
  }

  /// The content of the element at the front of `bytes`, which then starts after it.
  private static func element(
    of bytes: inout ArraySlice<UInt8>, tag: UInt8
  ) -> ArraySlice<UInt8>? {
    guard bytes.popFirst() == tag, let first = bytes.popFirst() else { return nil }
    var length = Int(first)
    if first & 0x80 != 0 {
      let digits = Int(first & 0x7F)
      guard digits > 0 else { return nil }
      length = 0
      for _ in 0..<digits {
        guard let digit = bytes.popFirst(), length < 1 << 23 else { return nil }
        length = length << 8 | Int(digit)
        guard length > 0 else { return nil }
      }
      guard length >= 0x80 else { return nil }
    }
    guard length <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(length) }
    return bytes.prefix(length)
  }

  /// The digits of a minimally encoded integer above zero.
  private static func positive(_ integer: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let first = integer.first, first & 0x80 == 0 else { return nil }
    guard first == 0 else { return integer }
    let digits = integer.dropFirst()
    guard let second = digits.first, second & 0x80 != 0 else { return nil }
    return digits
  }

  private static func encode(r: ArraySlice<UInt8>, s: ArraySlice<UInt8>) -> [UInt8] {
    var numbers: [UInt8] = []
    numbers.reserveCapacity(r.count + s.count + 6)
    for number in [r, s] {
      let digits = number.drop { $0 == 0 }
      let pads = (digits.first ?? 0x80) & 0x80 != 0
      // A number has at most 67 bytes, so its length fits one byte; the length of two may not.
      numbers.append(0x02)
      numbers.append(UInt8(truncatingIfNeeded: digits.count + (pads ? 1 : 0)))
      if pads { numbers.append(0) }
      numbers.append(contentsOf: digits)
    }
    let length = UInt8(truncatingIfNeeded: numbers.count)
    return (length < 0x80 ? [0x30, length] : [0x30, 0x81, length]) + numbers
  }
}
