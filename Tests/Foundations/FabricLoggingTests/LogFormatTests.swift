// Formats: the verbs, their directives, and the two structured encodings.

import GoText
import Logging
import Testing

@testable import FabricLogging

/// A record with fixed contents.
func record(
  _ message: String = "message", level: FabricLogLevel = .info, name: String = "orderer.x",
  function: String = "start(with:)", fields: [(String, Logger.MetadataValue)] = []
) -> LogRecord {
  LogRecord(
    time: UnixTime(seconds: 1_700_000_000, nanoseconds: 123_456_789), level: level, name: name,
    message: message, fields: fields.map { (key: $0.0, value: $0.1) }, function: function,
    file: "Module/File.swift",
    line: 42)
}

/// The line of a record without its newline.
func line(_ format: String, _ record: LogRecord) throws -> String {
  var encoder = RecordEncoder()
  var output: [UInt8] = []
  encoder.append(record, format: try LogFormat(format), to: &output)
  let text = String(decoding: output, as: UTF8.self)
  #expect(text.hasSuffix("\n"))
  return String(text.dropLast())
}

@Suite struct LogFormatTests {
  @Test(
    "Verbs render like Fabric's",
    arguments: [
      ("%{message}", "message"), ("%{message:q}", "\"message\""), ("%{message:.3s}", "mes"),
      ("%{level}", "INFO"), ("%{level:.4s}", "INFO"), ("%{level:5s}|", " INFO|"),
      ("%{level:-6s}|", "INFO  |"), ("%{level:d}", "%!d(string=INFO)"),
      ("%{level:5.2s foo}", "   IN foo"), ("%{level:x}", "494e464f"),
      ("%{module}", "orderer.x"), ("%{module:-12s}|", "orderer.x   |"),
      ("%{shortfunc}", "start"), ("%{shortfunc:X}", "7374617274"),
      ("%{id}", "1"), ("%{id:04x}", "0001"), ("%{id:5d}|", "    1|"), ("%{id:-5x}|", "1    |"),
      ("%{id:#x}", "0x1"), ("%{id:s}", "%!s(uint64=1)"), ("%{id}-%{id}", "1-2"),
      ("%{color}x%{color:reset}", "\u{1b}[34mx\u{1b}[0m"),
      ("%{color:bold}x", "\u{1b}[34;1mx"),
      ("plain", "plain"), ("%{nope} %{message", "%{nope} %{message"), ("100%", "100%"),
      ("%{}", "%{}"),
    ])
  func verbs(format: String, expected: String) throws {
    #expect(try line(format, record()) == expected)
  }

  @Test(
    "Colors follow the level",
    arguments: [
      (FabricLogLevel.payload, "0"), (.debug, "36"), (.info, "34"), (.warn, "33"), (.error, "31"),
      (.dpanic, "35"), (.panic, "35"), (.fatal, "35"),
    ])
  func colors(level: FabricLogLevel, color: String) throws {
    let bold = color == "0" ? "0" : "\(color);1"
    #expect(
      try line("%{color}%{color:bold}", record(level: level)) == "\u{1b}[\(color)m\u{1b}[\(bold)m")
  }

  @Test func anUnknownColorOptionIsRefused() {
    #expect(throws: LogFormatError.invalidColorOption("x")) { try LogFormat("%{color:x}") }
  }

  @Test func anOverlongFormatIsRefused() {
    #expect(throws: LogFormatError.self) { try LogFormat(String(repeating: "x", count: 5000)) }
  }

  @Test func aHugeWidthIsCutDown() throws {
    let text = try line("%{level:99999999999999999999s}", record())
    #expect(text.count == GoVerb.maximumWidth)
  }

  @Test func theDefaultFormatLooksLikeFabrics() throws {
    let text = try line(LogFormat.defaultText, record(level: .warn))
    let parts = text.split(separator: " ", maxSplits: 2)
    #expect(parts[0].hasPrefix("\u{1b}[33m2023-11-1"))
    let tail = "0001 WARN\u{1b}[0m [orderer.x] \u{1b}[33;1mstart\u{1b}[0m -> message"
    #expect(text.hasSuffix(tail))
    #expect(try line("", record(level: .warn)) == text)
  }

  @Test func trailingNewlinesOfAMessageAreDropped() throws {
    #expect(try line("%{message}", record("text \n\n")) == "text ")
  }

  @Test func aCallWithoutFunctionIsUnknown() throws {
    #expect(try line("%{shortfunc}", record(function: "")) == "(unknown)")
  }

  @Test func fieldsFollowTheMessage() throws {
    let text = try line(
      "%{message}",
      record(fields: [
        ("channel", "mychannel"), ("node", .stringConvertible(1)), ("text", "a \"b\"=\n"),
        ("list", ["x", "y z"]), ("bad key=", "v"), ("nested", ["k": "v", "a": "b"]),
      ]))
    #expect(
      text == #"message channel=mychannel node=1 text="a \"b\"=\n" list="[x,y z]" badkey=v "#
        + #"nested="a=b k=v""#)
  }

  @Test func fieldsAloneHaveNoBlankBefore() throws {
    var encoder = RecordEncoder()
    var output: [UInt8] = []
    encoder.append(
      record("", fields: [("a", "b")]), format: try LogFormat("%{message}"), to: &output)
    #expect(String(decoding: output, as: UTF8.self) == "a=b\n")
  }

  @Test func jsonHasOneObjectPerLine() throws {
    let text = try line(
      "json",
      record(
        "say \"hi\"\n\u{1}", level: .error,
        fields: [
          ("n", .stringConvertible(3)), ("ok", .stringConvertible(true)),
          ("x", .stringConvertible(1.5)), ("list", ["a"]), ("map", ["k": "v"]),
        ]))
    #expect(
      text == #"{"level":"error","ts":1700000000.1234567,"name":"orderer.x","#
        + #""caller":"Module/File.swift:42","msg":"say \"hi\"\n\u0001","n":3,"ok":true,"x":1.5,"#
        + #""list":["a"],"map":{"k":"v"}}"#)
  }

  @Test func logfmtQuotesWhatNeedsIt() throws {
    let text = try line("logfmt", record("two words", fields: [("k", "v")]))
    #expect(
      text == #"ts=1700000000.1234567 level=info name=orderer.x caller=Module/File.swift:42 "#
        + #"msg="two words" k=v"#)
  }

  @Test func deepMetadataIsCutOff() throws {
    var value: Logger.MetadataValue = "core"
    for _ in 0..<100 { value = .array([value]) }
    let text = try line("json", record(fields: [("deep", value)]))
    #expect(text.contains("…"))
  }
}
