import Testing

@testable import GoText

@Suite struct QuotingTests {
  @Test func goQuotesEscapeWhatCouldEndThem() {
    #expect(Quoting.go("a \"b\" \\ c") == #""a \"b\" \\ c""#)
    #expect(Quoting.go("\u{7}\u{8}\t\n\u{b}\u{c}\r") == #""\a\b\t\n\v\f\r""#)
    #expect(Quoting.go("\u{1}\u{1f}\u{7f}é") == #""\x01\x1f\x7fé""#)
  }

  @Test func settingsAreShownAsTheyAreOnOneLine() {
    #expect(Quoting.setting("C:\\a \"b\"") == #""C:\a "b"""#)
    #expect(Quoting.setting("a\nb\r\t\u{1b}") == #""a\nb\r\t\u{1b}""#)
  }

  @Test func namesOfClientsEndSomewhere() {
    #expect(Quoting.name("channel") == "'channel'")
    #expect(Quoting.name("a'\n") == #"'a\'\n'"#)
    #expect(Quoting.name(String(repeating: "x", count: 256)).hasSuffix("x'"))
    #expect(Quoting.name(String(repeating: "x", count: 257)).hasSuffix("x…'"))
  }
}
