// Byte sizes with a unit.

import GoText
import Testing

@Suite("A byte size with a unit")
struct ByteSizeTests {
  @Test(
    "counts in powers of 1024",
    arguments: [
      ("1 MB", 1 << 20), ("1MB", 1 << 20), ("1m", 1 << 20), ("100k", 100 << 10), ("2 KB", 2 << 10),
      ("3g", 3 << 30), ("1  gB", 1 << 30), ("010 k", 8 << 10), ("10", nil), ("MB", nil),
      ("1.5 MB", nil), ("1 TB", nil), ("-1k", nil), ("1 b", nil), ("0x1 KB", nil),
    ] as [(String, UInt64?)])
  func byteSizes(text: String, expected: UInt64?) throws {
    #expect(try ByteSize.parse(text) == expected)
  }

  @Test("is refused if it is too large, or if its number is none")
  func excessiveByteSizes() {
    #expect(throws: GoInteger.Failure.tooLarge) { try ByteSize.parse("17179869184g") }
    #expect(throws: GoInteger.Failure.malformed) { try ByteSize.parse("09 MB") }
  }
}
