// Points and tables, compared with the public keys that swift-crypto makes of private ones.

import Crypto
import TestSupport
import Testing

@testable import P256Tables

@Suite struct PointTests {
  /// Few and many digits, and those that verification uses.
  static let widths = [2, 3, 5, 6, 8, 11]

  @Test(arguments: widths)
  func `multiples are the library's public keys`(width: Int) throws {
    let table = MultiplesTable(of: .generator, width: width)
    var generator = SplitMix64(seed: UInt64(width))
    var numbers = UInt256.edges + (0..<256).map { UInt256(powerOfTwo: $0) }
    numbers += (0..<100).map { _ in UInt256.random(using: &generator) }
    numbers += (0..<100).map { _ in UInt256.extreme(using: &generator) }
    for number in numbers {
      let sum = table.sum(multipleBy: number)
      let scalar = number < Scalar.order ? number : number.subtracting(Scalar.order).difference
      guard !scalar.isZero else {
        #expect(sum.isInfinity)
        continue
      }
      #expect(sum.affine?.uncompressed == publicKey(scalar))
    }
  }

  @Test func `a table has the size it says`() {
    #expect(VerificationTable.byteCount == 87_040)
    #expect(VerificationTable.sharedByteCount == 262_208)
    #expect(MultiplesTable.byteCount(width: 5) == 52_352)
    for width in Self.widths {
      let table = MultiplesTable(of: .generator, width: width)
      #expect(table.byteCount == MultiplesTable.byteCount(width: width))
    }
  }

  @Test func `sums of equal, opposite and any points are those of their multiples`() {
    let table = MultiplesTable(of: .generator, width: 4)
    let n = Scalar.order
    for first: UInt64 in 0..<12 {
      for second: UInt64 in 1..<12 {
        for isNegative in [false, true] {
          // Not through z = 1 only: the same sum in other coordinates.
          var sum = table.sum(multipleBy: UInt256(first + 5, 0, 0, 0))
          sum.add(table.point(n.subtracting(UInt256(5, 0, 0, 0)).difference))
          let other = UInt256(second, 0, 0, 0)
          sum.add(table.point(isNegative ? n.subtracting(other).difference : other))
          let expected = isNegative ? Int(first) - Int(second) : Int(first + second)
          #expect(sum.isInfinity == (expected == 0))
          guard expected != 0 else { continue }
          let magnitude = UInt256(UInt64(expected.magnitude), 0, 0, 0)
          #expect(
            sum.affine?.uncompressed
              == publicKey(expected < 0 ? n.subtracting(magnitude).difference : magnitude))
        }
      }
    }
    var nothing = PointSum()
    nothing.double()
    #expect(nothing.isInfinity)
  }

  @Test func `only uncompressed points of the curve get a table`() throws {
    let p = FieldElement.modulus
    let good = [UInt8](P256.Signing.PrivateKey().publicKey.x963Representation)
    #expect(VerificationTable(uncompressedPoint: good) != nil)
    var bad: [[UInt8]] = [
      [], [0x00], [0x04], good.dropLast(), good + [0], [0x00] + good.dropFirst(),
      [0x02] + good[1..<33], [0x06] + good.dropFirst(), [0x07] + good.dropFirst(),
      [0x04] + [UInt8](repeating: 0, count: 64), [0x04] + [UInt8](repeating: 0xFF, count: 64),
    ]
    for bit in 0..<512 {
      var flipped = good
      flipped[1 + bit / 8] ^= 1 << UInt8(bit % 8)
      bad.append(flipped)
    }
    // Coordinates that are right but for p.
    var found = 0
    for small: UInt64 in 0..<40 {
      let x = UInt256(small, 0, 0, 0)
      guard let y = curveY(x) else { continue }
      found += 1
      let point = [0x04] + x.bigEndianBytes + y.bigEndianBytes
      #expect(VerificationTable(uncompressedPoint: point) != nil)
      bad.append([0x04] + x.adding(p).sum.bigEndianBytes + y.bigEndianBytes)
      let opposite = [0x04] + x.bigEndianBytes + p.subtracting(y).difference.bigEndianBytes
      #expect(VerificationTable(uncompressedPoint: opposite) != nil)
    }
    #expect(found > 10)
    for bytes in bad {
      #expect(VerificationTable(uncompressedPoint: bytes) == nil)
      #expect((try? P256.Signing.PublicKey(x963Representation: bytes)) == nil)
    }
  }

  private func publicKey(_ scalar: UInt256) -> [UInt8]? {
    (try? P256.Signing.PrivateKey(rawRepresentation: scalar.bigEndianBytes)).map {
      Array($0.publicKey.x963Representation)
    }
  }
}

extension MultiplesTable {
  func sum(multipleBy number: UInt256) -> PointSum {
    var points: [AffinePoint] = []
    append(multipleBy: number, to: &points)
    #expect(points.count <= maximumCount)
    var sum = PointSum()
    for point in points { sum.add(point) }
    return sum
  }

  /// The multiple, which must not be at infinity.
  func point(_ number: UInt256) -> AffinePoint {
    PointSum.affine([sum(multipleBy: number)])[0]
  }
}

extension PointSum {
  /// Nil at infinity.
  var affine: AffinePoint? { isInfinity ? nil : Self.affine([self])[0] }
}

extension AffinePoint {
  var uncompressed: [UInt8] { [0x04] + x.number.bigEndianBytes + y.number.bigEndianBytes }
}

/// A y that makes a point of the curve with this x, if there is one: the root of y² by raising to
/// (p + 1) / 4, since p is 3 modulo 4.
func curveY(_ x: UInt256) -> UInt256? {
  let element = FieldElement(x)
  let b = UInt256(
    bigEndian: [
      0x5A, 0xC6, 0x35, 0xD8, 0xAA, 0x3A, 0x93, 0xE7, 0xB3, 0xEB, 0xBD, 0x55, 0x76, 0x98, 0x86,
      0xBC, 0x65, 0x1D, 0x06, 0xB0, 0xCC, 0x53, 0xB0, 0xF6, 0x3B, 0xCE, 0x3C, 0x3E, 0x27, 0xD2,
      0x60, 0x4B,
    ])
  let square = element * element * element - element - element - element + FieldElement(b)
  let exponent = FieldElement.modulus.adding(.one).sum.shiftedRight(by: 2)
  var root = FieldElement.one
  for bit in (0..<256).reversed() {
    root = root * root
    if exponent.words[bit / 64] >> UInt64(bit % 64) & 1 == 1 { root = root * square }
  }
  return root * root == square ? root.number : nil
}

extension UInt256 {
  var words: [UInt64] { [word0, word1, word2, word3] }
}
