// What clients can make the log say, and how often.

import GoText
import Logging
import Synchronization
import Testing

@testable import FabricLogging

@Suite struct HostileLinesTests {
  private func system(
    _ format: String = "%{level} %{message}", clock: LogClock = .system
  ) throws -> (FabricLogging, MemorySink) {
    let sink = MemorySink()
    return (
      FabricLogging(spec: .info, format: try LogFormat(format), sink: sink, clock: clock), sink
    )
  }

  @Test func aMessageCannotForgeALineOrCommandATerminal() throws {
    let (logging, sink) = try system()
    logging.logger("a").info("one\n2026 INFO forged\r\u{1b}[2J\u{9b}1m\n\n  own\n\n")
    logging.logger("a").info("of our own:\n\tkey = value\n and more")
    logging.flush(timeout: .seconds(3600))
    #expect(
      sink.text
        == "INFO one\n 2026 INFO forged\\u000d\\u001b[2J\\u009b1m\n \n  own\n"
        + "INFO of our own:\n\tkey = value\n and more\n")
  }

  @Test func aMessageIsCut() throws {
    let (logging, sink) = try system()
    logging.logger("a").info("\(String(repeating: "x", count: 10_000_000))")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.text.utf8.count < 66_000)
    #expect(sink.text.hasSuffix("x… (10000000 bytes)\n"))
  }

  @Test func linesAboutClientsAreCounted() throws {
    let uptime = Mutex(Duration.zero)
    let (logging, sink) = try system(
      clock: LogClock(now: { UnixTime(seconds: 0) }, uptime: { uptime.withLock { $0 } }))
    let about = logging.logger("clients", isAboutClients: true)
    func refuse() { about.warning("refused") }
    for _ in 0..<1_000 { refuse() }
    // What the node does itself is told in full.
    about.info("info")
    for _ in 0..<200 { logging.logger("node").warning("own") }
    uptime.withLock { $0 = .seconds(60) }
    refuse()
    logging.flush(timeout: .seconds(3600))
    let told = [String](repeating: "WARN refused", count: RepeatedLines.burst)
    let own = [String](repeating: "WARN own", count: 200)
    let leftOut = 1_000 - RepeatedLines.burst
    let last = "WARN refused (\(leftOut) more lines like this were left out)"
    #expect(sink.lines == told + ["INFO info"] + own + [last])
    let statistics = logging.statistics
    #expect(statistics.checked[.warn] == 1_201)
    #expect(statistics.written[.warn] == UInt64(RepeatedLines.burst) + 201)
  }

  @Test func linesAreStampedByTheGivenClock() throws {
    let moment = UnixTime(seconds: 1_795_380_710, nanoseconds: 5_000_000)
    let (logging, sink) = try system(
      "%{time:05.000} %{message}", clock: LogClock(now: { moment }, uptime: { .zero }))
    logging.logger("a").info("message")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines == ["50.005 message"])
  }
}

@Suite struct RepeatedLinesTests {
  private let here = RepeatedLines.Place(file: "a", line: 1)

  @Test func aBurstPassesAndThenSoManyPerSecond() {
    var lines = RepeatedLines()
    for _ in 0..<RepeatedLines.burst {
      #expect(lines.judge(here, at: .seconds(1)) == .write(leftOut: 0))
    }
    for _ in 0..<7 { #expect(lines.judge(here, at: .seconds(1)) == .leaveOut) }
    #expect(lines.judge(here, at: .milliseconds(1_099)) == .leaveOut)
    #expect(lines.judge(here, at: .milliseconds(1_100)) == .write(leftOut: 8))
    #expect(lines.judge(here, at: .milliseconds(1_100)) == .leaveOut)
    #expect(lines.judge(here, at: .seconds(60)) == .write(leftOut: 1))
    for _ in 1..<RepeatedLines.burst {
      #expect(lines.judge(here, at: .seconds(60)) == .write(leftOut: 0))
    }
    #expect(lines.judge(here, at: .seconds(60)) == .leaveOut)
  }

  @Test func placesDoNotCountForEachOther() {
    var lines = RepeatedLines()
    for _ in 0..<1_000 { _ = lines.judge(here, at: .zero) }
    #expect(
      lines.judge(RepeatedLines.Place(file: "a", line: 2), at: .zero) == .write(leftOut: 0))
    for line in 0..<10_000 {
      _ = lines.judge(RepeatedLines.Place(file: "b", line: UInt(line)), at: .zero)
    }
    #expect(lines.judge(here, at: .zero) == .leaveOut)
  }
}
