// Whole numbers, read as Go reads them.

import GoText
import Testing

@Suite("A whole number in Go's text form")
struct GoIntegerTests {
  @Test(
    "has the value that Go gives it, or none",
    arguments: [
      ("0", 0), ("7050", 7050), ("-1", -1), ("+5", 5), ("0x10", 16), ("0X1f", 31), ("010", 8),
      ("0o17", 15), ("0b101", 5), ("0B1", 1), ("1_000", 1000), ("-0x10", -16), ("0_7", 7),
      ("0x_1f", 31), ("00", 0), ("-0", 0),
      ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("", nil),
      ("many", nil), ("1.0", nil), ("08", nil), ("0x", nil), ("0x_", nil),
      ("9223372036854775808", nil), ("--1", nil), ("1 ", nil), ("1__0", nil), ("_1", nil),
      ("1_", nil), ("0b2", nil), ("0a", nil), ("\u{0661}", nil), ("+", nil),
    ] as [(String, Int64?)])
  func integers(text: String, expected: Int64?) {
    #expect(GoInteger.parse(text) == expected)
    if let expected, expected >= 0, !text.hasPrefix("+"), !text.hasPrefix("-") {
      #expect((try? GoInteger.unsigned(text)) == UInt64(expected))
    }
  }

  @Test("without a sign says whether it is too large or no number")
  func unsigned() throws {
    #expect(try GoInteger.unsigned("18446744073709551615") == .max)
    #expect(throws: GoInteger.Failure.tooLarge) {
      try GoInteger.unsigned("18446744073709551616")
    }
    for text in ["", "-1", "+1", "ten", "1_", "0xg"] {
      #expect(throws: GoInteger.Failure.malformed) { try GoInteger.unsigned(text) }
    }
  }
}
