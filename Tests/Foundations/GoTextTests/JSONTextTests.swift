// Text of JSON documents.

import GoText
import Testing

@Suite struct JSONTextTests {
  @Test func charactersAreEscapedAsGosEncoderDoes() {
    #expect(
      JSONText.string("\"\\\n\r\t\u{8}\u{C}\u{0}\u{1F}\u{7F}<>&\u{2028}\u{2029}é\u{2027}😀")
        == #""\"\\\n\r\t\b\f\u0000\u001f"# + "\u{7F}" + #"\u003c\u003e\u0026\u2028\u2029é"#
        + "\u{2027}😀\"")
  }

  @Test func logsEscapeOnlyWhatJSONDemands() {
    var output = Array("x:".utf8)
    JSONText.append("\"\\\n\u{8}\u{1}<&>\u{2028}é", .log, to: &output)
    #expect(
      String(decoding: output, as: UTF8.self)
        == #"x:"\"\\\n\u0008\u0001<&>"# + "\u{2028}é\"")
  }

  @Test func everyCharacterStandsForItself() {
    // What is escaped differs, but each text is as long as its escapes say.
    for value in UInt32(0)..<0x3000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = JSONText.string(String(scalar))
      if text.contains(#"\u"#) {
        #expect(text.utf8.count == 8)
        #expect(UInt32(text.dropFirst(3).dropLast(), radix: 16) == value)
      } else if text.utf8.contains(UInt8(ascii: "\\")) {
        #expect(text.utf8.count == 4)
      } else {
        #expect(text == "\"\(scalar)\"")
      }
    }
  }

  @Test func objectsKeepTheOrderOfTheirMembers() {
    #expect(JSONText.object([("b", "1"), ("a", "\n")]) == #"{"b":"1","a":"\n"}"#)
    #expect(JSONText.object([]) == "{}")
  }
}
