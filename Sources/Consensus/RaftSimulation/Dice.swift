// Chance that a seed repeats.

/// The generator splitmix64: the same seed gives the same numbers on every machine.
package struct Dice {
  private var state: UInt64

  package init(seed: UInt64) { state = seed &* 0xD1B5_4A32_D192_ED03 }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// From 0 to one less than a bound greater than 0.
  mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.count)
  }

  /// True in so many of a thousand cases.
  mutating func chance(_ perMille: Int) -> Bool { below(1000) < perMille }

  mutating func pick<Element>(_ elements: [Element]) -> Element? {
    elements.isEmpty ? nil : elements[below(elements.count)]
  }

  /// One of several values, each as likely as its weight.
  mutating func weighted<Element>(_ choices: [(weight: Int, value: Element)]) -> Element? {
    var rest = below(max(choices.reduce(0) { $0 + $1.weight }, 1))
    for choice in choices {
      if rest < choice.weight { return choice.value }
      rest -= choice.weight
    }
    return nil
  }
}
