// Fractional numbers, written as Go writes them.

import GoText
import Testing

@Suite struct GoFloatTests {
  @Test(arguments: [
    (0.0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (0.005, "0.005"), (1e-5, "1e-05"),
    (0.0001, "0.0001"), (0.00012345, "0.00012345"), (123_456, "123456"),
    (1_234_567, "1.234567e+06"), (1_000_000, "1e+06"), (999_999, "999999"), (1e20, "1e+20"),
    (1e22, "1e+22"), (2.02546801068e+11, "2.02546801068e+11"),
    (1.8446744073709552e+19, "1.8446744073709552e+19"), (.leastNonzeroMagnitude, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (0.1 + 0.2, "0.30000000000000004"),
    (100, "100"), (100_000, "100000"), (2.5, "2.5"), (-1e-7, "-1e-07"), (-12.5, "-12.5"),
    (12345678.25, "1.234567825e+07"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
  ])
  func numbersAreWrittenAsInGo(value: Double, text: String) {
    #expect(GoFloat.shortest(value) == text)
  }

  @Test(arguments: [
    (0.0, "0.000000"), (1, "1.000000"), (0.0000005, "0.000000"), (0.0000015, "0.000002"),
    (-12.5, "-12.500000"), (123_456.789, "123456.789000"), (1e20, "100000000000000000000.000000"),
    (12345678.25, "12345678.250000"), (0.999_999_9, "1.000000"),
    (1_795_380_709.92, "1795380709.920000"), (2.02546801068e+13, "20254680106800.000000"),
  ])
  func numbersWithSixPlacesAreWrittenAsInGo(value: Double, text: String) {
    #expect(GoFloat.fixed(value) == text)
  }

  @Test func randomNumbersSurvive() {
    for _ in 0..<10_000 {
      let value = Double(bitPattern: .random(in: 0 ... .max))
      guard value.isFinite else { continue }
      #expect(Double(GoFloat.shortest(value)) == value)
    }
  }
}
