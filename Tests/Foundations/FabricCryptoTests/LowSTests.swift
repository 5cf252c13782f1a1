// The one form of a signature that Fabric accepts.

import Testing

@testable import FabricCrypto

@Suite struct LowSTests {
  static let curves: [ECDSACurve] = [.p256, .p384, .p521]

  @Test(arguments: curves) func `half the order is low, one more is high`(curve: ECDSACurve) {
    var s = curve.halfOrder
    #expect(s.count == curve.coordinateByteCount)
    #expect(LowS.isLow(s[...], on: curve))
    #expect(LowS.lowered(s, on: curve) == s)
    s[s.count - 1] += 1
    #expect(!LowS.isLow(s[...], on: curve))
    // n − (n / 2 + 1) is n / 2 again, since n is odd.
    #expect(LowS.lowered(s, on: curve) == curve.halfOrder)
  }

  @Test(arguments: curves) func `one is the low form of the order less one`(curve: ECDSACurve) {
    var s = curve.order
    s[s.count - 1] -= 1
    let one = [UInt8](repeating: 0, count: s.count - 1) + [1]
    #expect(LowS.lowered(s, on: curve) == one)
    #expect(LowS.lowered(one, on: curve) == one)
  }
}
