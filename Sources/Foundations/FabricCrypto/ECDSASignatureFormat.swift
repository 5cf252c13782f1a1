// The two forms of an ECDSA signature: ASN.1 `SEQUENCE { r INTEGER, s INTEGER }` on the wire, and the
// two numbers side by side that the library works with.

/// Conversions between the wire form and the raw form of a signature.
package enum ECDSASignatureFormat {
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

  static func encode(r: ArraySlice<UInt8>, s: ArraySlice<UInt8>) -> [UInt8] {
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
