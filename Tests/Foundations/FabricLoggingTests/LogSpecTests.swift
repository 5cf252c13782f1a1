// The logging specification: grammar, inheritance, normal form.

import Testing

@testable import FabricLogging

@Suite struct LogSpecTests {
  @Test(
    "A valid spec has a normal form",
    arguments: [
      ("", "info"), ("debug", "debug"), ("DEBUG", "debug"), ("warning", "warn"), ("WARN", "warn"),
      ("notice", "info"), ("CRITICAL", "error"), ("dpanic", "dpanic"), ("panic", "panic"),
      ("FATAL", "fatal"), ("payload", "payload"),
      ("a=debug", "a=debug:info"), ("a,b=debug:error", "a=debug:b=debug:error"),
      ("b=warn:a=info:b=debug", "a=info:b=debug:info"), ("warn:debug", "debug"),
      ("debug:", "info"), (":debug", "debug"), ("a.=debug:warn", "a.=debug:warn"),
      ("a.b-c_d#e=error", "a.b-c_d#e=error:info"),
    ])
  func normalForm(spec: String, expected: String) throws {
    #expect(try LogSpec(spec).description == expected)
  }

  @Test(
    "An invalid spec is refused with the spec and the bad part",
    arguments: [
      ("nosuchlevel", LogSpecError.badSegment(spec: "nosuchlevel", segment: "nosuchlevel")),
      ("Debug", .badSegment(spec: "Debug", segment: "Debug")),
      ("a=nosuchlevel", .badSegment(spec: "a=nosuchlevel", segment: "a=nosuchlevel")),
      ("a=", .badSegment(spec: "a=", segment: "a=")),
      ("a=b=c", .badSegment(spec: "a=b=c", segment: "a=b=c")),
      ("info:=debug", .noLogger(spec: "info:=debug", segment: "=debug")),
      ("a,=debug", .badLoggerName(spec: "a,=debug", name: "")),
      ("a..b=debug", .badLoggerName(spec: "a..b=debug", name: "a..b")),
      (".a=debug", .badLoggerName(spec: ".a=debug", name: ".a")),
      ("a b=debug", .badLoggerName(spec: "a b=debug", name: "a b")),
      ("a*=debug", .badLoggerName(spec: "a*=debug", name: "a*")),
    ])
  func refused(spec: String, expected: LogSpecError) {
    #expect(throws: expected) { try LogSpec(spec) }
    #expect(expected.description.contains("'\(spec)'"))
  }

  @Test func anOverlongSpecIsRefused() {
    let spec = String(repeating: "a", count: LogSpec.maximumLength + 1)
    #expect(throws: LogSpecError.tooLong(bytes: LogSpec.maximumLength + 1)) { try LogSpec(spec) }
  }

  @Test(
    "A logger has the level of its nearest ancestor in the spec",
    arguments: [
      ("orderer", FabricLogLevel.debug), ("orderer.common", .debug),
      ("orderer.common.server", .warn), ("orderer.common.server.x", .warn),
      ("orderer.consensus", .error), ("orderer.consensus.kafka", .debug), ("ordererx", .info),
      ("", .info), ("a.b", .info),
    ])
  func inheritance(name: String, expected: FabricLogLevel) throws {
    let spec = try LogSpec("orderer=debug:orderer.common.server=warn:orderer.consensus.=error")
    #expect(spec.level(of: name) == expected)
  }
}
