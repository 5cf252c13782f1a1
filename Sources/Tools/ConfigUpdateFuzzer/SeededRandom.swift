// Randomness that can be repeated.

/// A generator with a seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  /// - Parameters:
  ///   - stream: Different streams of one seed have nothing in common.
  init(seed: UInt64, stream: UInt64) {
    state = seed ^ (stream &* 0xD1B5_4A32_D192_ED03)
    _ = next()
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number from 0 up to, not including, `bound`; 0 if there is none.
  mutating func below(_ bound: Int) -> Int {
    bound <= 1 ? 0 : Int.random(in: 0..<bound, using: &self)
  }

  /// True in `percent` of 100 cases.
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  mutating func pick<Element>(_ elements: [Element]) -> Element? {
    elements.isEmpty ? nil : elements[below(elements.count)]
  }

  /// One of the keys; sorted first, as the order of a dictionary differs from run to run.
  mutating func key<Value>(_ dictionary: [String: Value]) -> String? {
    pick(dictionary.keys.sorted())
  }

  mutating func bytes(upTo count: Int) -> [UInt8] {
    (0..<below(count + 1)).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}
