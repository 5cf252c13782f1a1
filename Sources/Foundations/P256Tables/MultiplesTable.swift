// Multiples of one point, worked out in advance so that any further one is a sum of a few of them.

/// For each position of a digit of `width` bits, the multiples that this digit can stand for.
///
/// A number below 2^256 is written with digits from −2^(width−1) to 2^(width−1); a negative one takes the opposite
/// of a point, so only positive ones are kept. The multiple of the point by the number is then a sum with
/// one addition for each digit, and without any doubling.
struct MultiplesTable: Sendable {
  private let width: Int
  /// Position by position, the multiples 1, 2, … of 2^(position · width) times the point.
  private let points: [AffinePoint]

  /// Bytes of the table.
  var byteCount: Int { points.count * MemoryLayout<AffinePoint>.stride }

  /// Bytes of a table of digits of this width.
  static func byteCount(width: Int) -> Int {
    (0..<positions(width)).reduce(0) { $0 + multiples(at: $1, width) }
      * MemoryLayout<AffinePoint>.stride
  }

  /// How many digits a number below 2^256 has, a last carry included.
  private static func positions(_ width: Int) -> Int { 256 / width + 1 }

  /// The greatest digit at a position: at the last one there are few bits left, and a carry.
  private static func multiples(at position: Int, _ width: Int) -> Int {
    1 << min(width - 1, 256 - position * width)
  }

  /// The multiples of a point, with digits of 2 to 16 bits.
  ///
  /// None of them is at infinity: all points of the curve have the same order, a prime, and what this one is
  /// multiplied by are powers of two times numbers of 16 bits.
  init(of point: AffinePoint, width: Int) {
    self.width = width
    var points: [AffinePoint] = []
    points.reserveCapacity(Self.byteCount(width: width) / MemoryLayout<AffinePoint>.stride)
    var base = point
    for position in 0..<Self.positions(width) {
      var sum = PointSum()
      var sums: [PointSum] = []
      for _ in 0..<Self.multiples(at: position, width) {
        sum.add(base)
        sums.append(sum)
      }
      // Twice the greatest multiple is what the next position counts in.
      sum.double()
      sums.append(sum)
      var multiples = PointSum.affine(sums)
      base = multiples.removeLast()
      points += multiples
    }
    self.points = points
  }

  /// The most points that one number takes.
  var maximumCount: Int { Self.positions(width) }

  /// Appends the points whose sum is the multiple of the table's point by a number.
  ///
  /// The points are in memory that is often far away, so all are fetched before the first is added: then the
  /// processor waits for many at once.
  func append(multipleBy number: UInt256, to list: inout [AffinePoint]) {
    let base: UInt64 = 1 &<< UInt64(width)
    let half = base &>> 1
    var rest = number
    var carry: UInt64 = 0
    var first = 0
    while !rest.isZero || carry != 0 {
      let digit = (rest.word0 & (base &- 1)) &+ carry
      rest = rest.shiftedRight(by: UInt64(width))
      // The digits above the half are those of the next position, less something.
      let isNegative = digit > half
      carry = isNegative ? 1 : 0
      let magnitude = isNegative ? base &- digit : digit
      if magnitude != 0 {
        let point = points[first + Int(magnitude) - 1]
        list.append(isNegative ? AffinePoint(x: point.x, y: -point.y) : point)
      }
      first += Int(half)
    }
  }
}
