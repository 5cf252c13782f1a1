// Durations in Go's text form, with what Go makes of them.

import GoText
import Testing

@Suite("A duration in Go's text form")
struct GoDurationTests {
  @Test(
    "has the length that Go gives it",
    arguments: [
      ("0", 0), ("5s", 5_000_000_000), ("30s", 30_000_000_000), ("1478s", 1_478_000_000_000),
      ("-5s", -5_000_000_000), ("+5s", 5_000_000_000), ("-0", 0), ("+0", 0),
      ("5.0s", 5_000_000_000), ("5.6s", 5_600_000_000), ("5.s", 5_000_000_000),
      (".5s", 500_000_000), ("1.004s", 1_004_000_000), ("100.00100s", 100_001_000_000),
      ("10ns", 10), ("11us", 11_000), ("12µs", 12_000), ("12μs", 12_000), ("13ms", 13_000_000),
      ("14s", 14_000_000_000), ("15m", 900_000_000_000), ("16h", 57_600_000_000_000),
      ("3h30m", 12_600_000_000_000), ("10.5s4m", 250_500_000_000),
      ("1h2m3s4ms5us6ns", 3_723_004_005_006), ("39h9m14.425s", 140_954_425_000_000),
      ("52763797000ns", 52_763_797_000), ("0.3333333333333333333h", 1_200_000_000_000),
      ("9007199254740993ns", 9_007_199_254_740_993),
      ("9223372036854775807ns", Int64.max), ("9223372036854775.807us", Int64.max),
      ("-9223372036854775808ns", Int64.min), ("0.100000000000000000000h", 360_000_000_000),
      ("0.9223372036854775807h", 3_320_413_933_267),
    ] as [(String, Int64)])
  func parses(text: String, nanoseconds: Int64) throws {
    #expect(try GoDuration(text).nanoseconds == nanoseconds)
  }

  @Test(
    "that is none is refused",
    arguments: [
      "", "3", "-", "s", ".", "-.", ".s", "+.s", "1d", "\u{85}", "1 s", " 1s", "1s ", "1e3s",
      "9223372036854775808ns", "9223372036854775.808us", "-9223372036854775809ns",
      "3000000h", "9223372036854775808s", "99999999999999999999999s", "1s9223372036854775807ns",
      "9223372036854775808ns9223372036854775808ns", "1..5s", "１s", "∞s", "0x1s", "--1s", "1s-1s",
    ])
  func refuses(text: String) {
    #expect(throws: GoDuration.ParseError.self) { try GoDuration(text) }
  }

  @Test("is refused with Go's reason")
  func givesReason() {
    func reason(_ text: String) -> String? {
      do throws(GoDuration.ParseError) {
        _ = try GoDuration(text)
        return nil
      } catch { return error.description }
    }
    #expect(reason("abc") == "time: invalid duration \"abc\"")
    #expect(reason("10") == "time: missing unit in duration \"10\"")
    #expect(reason("1s2x") == "time: unknown unit \"x\" in duration \"1s2x\"")
  }

  @Test(
    "is printed as Go prints it",
    arguments: [
      (0, "0s"), (1, "1ns"), (1_100, "1.1µs"), (2_200_000, "2.2ms"), (3_300_000_000, "3.3s"),
      (245_000_000_000, "4m5s"), (245_001_000_000, "4m5.001s"),
      (18_367_001_000_000, "5h6m7.001s"), (480_000_000_001, "8m0.000000001s"),
      (Int64.max, "2562047h47m16.854775807s"), (Int64.min, "-2562047h47m16.854775808s"),
      (-1_000_000_000, "-1s"), (300_000_000, "300ms"), (3_600_000_000_000, "1h0m0s"),
    ] as [(Int64, String)])
  func prints(nanoseconds: Int64, text: String) throws {
    #expect(GoDuration(nanoseconds: nanoseconds).description == text)
    #expect(try GoDuration(text).nanoseconds == nanoseconds)
  }
}
