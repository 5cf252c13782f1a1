// ECDSA verification on P-256 with a table of the public key's multiples (FIPS 186-4, 6.4).

/// What makes verification with one public key fast: sums of points from tables, without doublings.
///
/// Only public data goes in, so nothing here takes care to take the same time for all numbers. For the same
/// reason there is nothing here to sign with.
package struct VerificationTable: Sendable {
  /// Bits of a digit. Each one more takes about 1.7 times the memory for a tenth less time.
  private static let keyWidth = 6
  private static let generatorWidth = 8

  /// Bytes of one table.
  package static let byteCount = MultiplesTable.byteCount(width: keyWidth)
  /// Bytes of the table of the curve's generator, which is made once for all keys.
  package static let sharedByteCount = MultiplesTable.byteCount(width: generatorWidth)

  private static let generator = MultiplesTable(of: .generator, width: generatorWidth)

  private let ofKey: MultiplesTable
  private let ofGenerator: MultiplesTable

  /// Works out the table of a public key, which takes about a millisecond: not for threads that others wait for.
  /// Nil if the bytes are not an uncompressed point of the curve (`04`, x, y).
  package init?(uncompressedPoint bytes: [UInt8]) {
    guard bytes.count == 65, bytes[0] == 0x04,
      let point = AffinePoint(
        x: UInt256(bigEndian: bytes[1..<33]), y: UInt256(bigEndian: bytes[33...]))
    else { return nil }
    ofKey = MultiplesTable(of: point, width: Self.keyWidth)
    ofGenerator = Self.generator
  }

  /// Whether r and s are a signature by the key over a message with this digest. High S is as good as low S.
  ///
  /// - Parameters:
  ///   - rawSignature: r and s, big-endian, 32 bytes each. Anything else is false.
  ///   - digest: the message's hash; of more than 32 bytes the first 32 count.
  package func isValid(rawSignature: [UInt8], digest: UnsafeRawBufferPointer) -> Bool {
    guard rawSignature.count == 64 else { return false }
    let r = UInt256(bigEndian: rawSignature[..<32])
    let s = UInt256(bigEndian: rawSignature[32...])
    guard !r.isZero, r < Scalar.order, !s.isZero, s < Scalar.order else { return false }
    let inverseOfS = Scalar.montgomeryInverse(s)
    let sum = sum(
      generatorTimes: Scalar.montgomeryProduct(UInt256(bigEndian: digest), inverseOfS),
      keyTimes: Scalar.montgomeryProduct(r, inverseOfS))
    guard !sum.isInfinity else { return false }
    if sum.hasX(r) { return true }
    // A coordinate may be n or more, and is r only modulo n.
    let (alternative, carry) = r.adding(Scalar.order)
    return carry == 0 && alternative < FieldElement.modulus && sum.hasX(alternative)
  }

  private func sum(generatorTimes u1: UInt256, keyTimes u2: UInt256) -> PointSum {
    var points: [AffinePoint] = []
    points.reserveCapacity(ofGenerator.maximumCount + ofKey.maximumCount)
    ofGenerator.append(multipleBy: u1, to: &points)
    ofKey.append(multipleBy: u2, to: &points)
    var sum = PointSum()
    for point in points { sum.add(point) }
    return sum
  }
}

extension PointSum {
  /// Whether x / zz is this number, which is below p.
  fileprivate func hasX(_ number: UInt256) -> Bool { FieldElement(number) * zz == x }
}
