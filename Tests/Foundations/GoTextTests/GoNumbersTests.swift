// Whole numbers and byte sizes, read as Go reads them.

import GoText
import Testing

@Suite("A whole number in Go's text form")
struct GoNumbersTests {
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

  @Test(
    "with a unit is a size in powers of 1024",
    arguments: [
      ("1 MB", 1 << 20), ("1MB", 1 << 20), ("1m", 1 << 20), ("100k", 100 << 10), ("2 KB", 2 << 10),
      ("3g", 3 << 30), ("1  gB", 1 << 30), ("010 k", 8 << 10), ("10", nil), ("MB", nil),
      ("1.5 MB", nil), ("1 TB", nil), ("-1k", nil), ("1 b", nil), ("0x1 KB", nil),
    ] as [(String, UInt64?)])
  func byteSizes(text: String, expected: UInt64?) throws {
    #expect(try ByteSize.parse(text) == expected)
  }

  @Test("is refused with a unit that makes it too large, or if it is none")
  func excessiveByteSizes() {
    #expect(throws: GoInteger.Failure.tooLarge) { try ByteSize.parse("17179869184g") }
    #expect(throws: GoInteger.Failure.malformed) { try ByteSize.parse("09 MB") }
  }
}
