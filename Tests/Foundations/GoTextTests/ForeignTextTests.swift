// Text from outside cannot forge lines, move a terminal's cursor, or fill a log.

import GoText
import Testing

@Suite struct ForeignTextTests {
  @Test(arguments: [
    ("", ""), ("mychannel", "mychannel"), ("Zürich 東京", "Zürich 東京"), ("a\nb", "a\\u000ab"),
    ("\u{1b}[31m", "\\u001b[31m"), ("a\r\n", "a\\u000d\\u000a"), ("\u{9b}1m", "\\u009b1m"),
    ("\u{202e}gpj", "\\u202egpj"), ("\u{2028}", "\\u2028"), ("\u{7f}\0", "\\u007f\\u0000"),
  ])
  func controlCharactersAreNumbers(text: String, shown: String) {
    #expect(ForeignText.shown(text) == shown)
  }

  @Test func longTextIsCutBetweenCharacters() {
    #expect(ForeignText.shown(String(repeating: "x", count: 256)).count == 256)
    let long = ForeignText.shown(String(repeating: "x", count: 100_000_000))
    #expect(long == String(repeating: "x", count: 256) + "… (100000000 bytes)")
    #expect(ForeignText.shown("äöü", atMost: 3) == "ä… (6 bytes)")
    #expect(ForeignText.shown("\n\n\n", atMost: 2) == "\\u000a\\u000a… (3 bytes)")
  }
}
