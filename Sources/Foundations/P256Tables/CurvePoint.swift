// Points of the curve y² = x³ − 3x + b, and sums of them (FIPS 186-4, D.1.2.3).

/// A point of the curve other than the one at infinity.
struct AffinePoint: Equatable, Sendable {
  var x: FieldElement
  var y: FieldElement

  private static let b = FieldElement(
    UInt256(
      0x3BCE_3C3E_27D2_604B, 0x651D_06B0_CC53_B0F6, 0xB3EB_BD55_7698_86BC, 0x5AC6_35D8_AA3A_93E7))

  /// The point that all public keys are multiples of.
  static let generator = AffinePoint(
    x: FieldElement(
      UInt256(
        0xF4A1_3945_D898_C296, 0x7703_7D81_2DEB_33A0, 0xF8BC_E6E5_63A4_40F2, 0x6B17_D1F2_E12C_4247)),
    y: FieldElement(
      UInt256(
        0xCBB6_4068_37BF_51F5, 0x2BCE_3357_6B31_5ECE, 0x8EE7_EB4A_7C0F_9E16, 0x4FE3_42E2_FE1A_7F9B))
  )

  init(x: FieldElement, y: FieldElement) {
    self.x = x
    self.y = y
  }

  /// The point with these coordinates; nil if they are not below p or not of a point of the curve.
  init?(x: UInt256, y: UInt256) {
    guard x < FieldElement.modulus, y < FieldElement.modulus else { return nil }
    self.init(x: FieldElement(x), y: FieldElement(y))
    let threeX = self.x + self.x + self.x
    guard self.y.squared() == self.x.squared() * self.x - threeX + Self.b else { return nil }
  }
}

/// A sum of points, in coordinates that need no inversion: x / zz and y / zzz, where zz³ = zzz². At infinity, zz
/// is zero. (The formulas are "XYZZ" of the Explicit-Formulas Database: madd-2008-s, dbl-2008-s-1. Adding an
/// affine point takes 8 multiplications and 2 squarings, the least that is known.)
struct PointSum: Sendable {
  private(set) var x = FieldElement.zero
  private(set) var y = FieldElement.zero
  private(set) var zz = FieldElement.zero
  private(set) var zzz = FieldElement.zero

  /// The sum of no points: the point at infinity.
  init() {}

  /// The sum of one point.
  init(_ point: AffinePoint) {
    x = point.x
    y = point.y
    zz = .one
    zzz = .one
  }

  var isInfinity: Bool { zz.isZero }

  /// Adds a point, whatever it is to the sum so far: equal and opposite ones included.
  mutating func add(_ point: AffinePoint) {
    guard !isInfinity else {
      self = PointSum(point)
      return
    }
    let p = point.x * zz - x
    let r = point.y * zzz - y
    guard !p.isZero else {
      // The same x: the same point or its opposite.
      if r.isZero { double() } else { self = PointSum() }
      return
    }
    let pp = p.squared()
    let ppp = pp * p
    let q = x * pp
    x = r.squared() - ppp - q - q
    y = r * (q - x) - y * ppp
    zz = zz * pp
    zzz = zzz * ppp
  }

  /// Adds the sum to itself. The curve's order is odd, so no point is its own opposite.
  mutating func double() {
    let u = y + y
    let v = u.squared()
    let w = u * v
    let s = x * v
    let xx = x.squared()
    let m = xx + xx + xx - zz.squared() * Self.three
    x = m.squared() - s - s
    y = m * (s - x) - w * y
    zz = v * zz
    zzz = w * zzz
  }

  private static let three = FieldElement.one + FieldElement.one + FieldElement.one

  /// The points that the sums are, none of them at infinity, with one inversion for all.
  static func affine(_ sums: [PointSum]) -> [AffinePoint] {
    // The products of the first zzz, the first two, and so on.
    var products: [FieldElement] = []
    products.reserveCapacity(sums.count)
    var product = FieldElement.one
    for sum in sums {
      products.append(product)
      product = product * sum.zzz
    }
    var inverse = product.inverted()
    var points = [AffinePoint](repeating: .generator, count: sums.count)
    for (index, sum) in sums.enumerated().reversed() {
      let inverseOfZZZ = inverse * products[index]
      inverse = inverse * sum.zzz
      // zz / zzz is 1 / z, the square of which is 1 / zz.
      let inverseOfZZ = (sum.zz * inverseOfZZZ).squared()
      points[index] = AffinePoint(x: sum.x * inverseOfZZ, y: sum.y * inverseOfZZZ)
    }
    return points
  }
}
