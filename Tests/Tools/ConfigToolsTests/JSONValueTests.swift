// The text of JSON documents.

import GoText
import Testing

@testable import ConfigTools

@Suite struct JSONValueTests {
  @Test func textIsLaidOutAsGoLaysItOut() {
    let value = JSONValue.object([
      "b": .array([.number(-1), .null, .bool(true)]), "a": .object([:]), "c": .array([]),
      "B": .string("x"),
    ])
    #expect(
      value.text
        == "{\n\t\"B\": \"x\",\n\t\"a\": {},\n\t\"b\": [\n\t\t-1,\n\t\tnull,\n\t\ttrue\n\t],\n\t\"c\": []\n}\n"
    )
  }

  @Test func charactersAreEscapedAsGoEscapesThem() {
    let text = JSONValue.string("\"\\\n\r\t\u{1}\u{7F}<>&\u{2028}é").text
    #expect(
      text
        == "\"\\\"\\\\\\n\\r\\t\\u0001\u{7F}\\u003c\\u003e\\u0026\\u2028é\"\n")
  }

  @Test(
    arguments: [
      (0, 0, "1970-01-01T00:00:00Z"), (951_782_400, 0, "2000-02-29T00:00:00Z"),
      (1_700_000_000, 500_000_000, "2023-11-14T22:13:20.500Z"),
      (-1, 1, "1969-12-31T23:59:59.000000001Z"), (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
      (253_402_300_799, 1_000, "9999-12-31T23:59:59.000001Z"),
    ] as [(Int64, Int32, String)])
  func timesAreWrittenAsProtobufDoes(_ seconds: Int64, _ nanoseconds: Int32, _ text: String) throws
  {
    #expect(
      try TimestampText.text(UnixTime(seconds: seconds, nanoseconds: nanoseconds), path: "") == text
    )
  }

  @Test func timesBeyondTheCalendarAreRefused() {
    #expect(throws: ConfigToolsError.self) {
      try TimestampText.text(UnixTime(seconds: 253_402_300_800, nanoseconds: 0), path: "")
    }
    #expect(throws: ConfigToolsError.self) {
      try TimestampText.text(UnixTime(seconds: 0, nanoseconds: -1), path: "")
    }
  }
}
