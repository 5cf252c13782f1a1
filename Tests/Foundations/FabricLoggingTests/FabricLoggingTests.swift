// Loggers: levels at run time, counting, the queue, the environment.

import Dispatch
import Logging
import Synchronization
import Testing

@testable import FabricLogging

@Suite struct FabricLoggingTests {
  private func system(
    _ spec: String = "info", format: String = "%{level} %{module} %{message}"
  ) throws -> (FabricLogging, MemorySink) {
    let sink = MemorySink()
    return (
      FabricLogging(spec: try LogSpec(spec), format: try LogFormat(format), sink: sink), sink
    )
  }

  @Test func swiftLogLevelsMapOntoFabrics() throws {
    let (logging, sink) = try system("payload")
    let logger = logging.logger("a")
    logger.trace("1")
    logger.debug("2")
    logger.info("3")
    logger.notice("4")
    logger.warning("5")
    logger.error("6")
    logger.critical("7")
    logger.panic("8")
    logger.fatal("9", metadata: ["k": "v"])
    #expect(logging.flush(timeout: .seconds(3600)))
    #expect(
      sink.lines == [
        "PAYLOAD a 1", "DEBUG a 2", "INFO a 3", "INFO a 4", "WARN a 5", "ERROR a 6", "PANIC a 7",
        "PANIC a 8", "FATAL a 9 k=v",
      ])
  }

  @Test func loggersFollowTheSpecAtRunTime() throws {
    let (logging, sink) = try system("error")
    let logger = logging.logger("a.b")
    logger.info("hidden")
    #expect(logger.logLevel == .error)
    try logging.setSpec("a=debug:error")
    #expect(logging.spec == "a=debug:error")
    #expect(logging.level(of: "a.b.c") == .debug)
    logger.debug("shown")
    logging.logger("z").info("hidden")
    #expect(throws: LogSpecError.self) { try logging.setSpec("nosuchlevel") }
    #expect(logging.spec == "a=debug:error")
    try logging.setSpec("fatal")
    logger.panic("hidden")
    logger.fatal("last")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines == ["DEBUG a.b shown", "FATAL a.b last"])
  }

  @Test func aDisabledCallDoesNotBuildItsMessage() throws {
    let (logging, _) = try system("warn")
    let built = Atomic(false)
    func message() -> Logger.Message {
      built.store(true, ordering: .relaxed)
      return "costly"
    }
    logging.logger("a").info(message())
    let wasBuilt = built.load(ordering: .relaxed)
    #expect(!wasBuilt)
  }

  @Test func aLoggersOwnLevelIsItsOwn() throws {
    let (logging, sink) = try system("info")
    var loud = logging.logger("a")
    let quiet = logging.logger("a")
    loud.logLevel = .debug
    loud[metadataKey: "own"] = "yes"
    loud.debug("loud")
    quiet.debug("quiet")
    quiet.info("quiet")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines == ["DEBUG a loud own=yes", "INFO a quiet"])
  }

  @Test func metadataOfCallAndLoggerAreSortedTogether() throws {
    let (logging, sink) = try system()
    var logger = logging.logger("a")
    logger[metadataKey: "node"] = "1"
    logger[metadataKey: "same"] = "logger"
    logger.info("text", metadata: ["channel": "c", "same": "call"])
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines == ["INFO a text channel=c node=1 same=call"])
  }

  @Test func theFormatCanChange() throws {
    let (logging, sink) = try system()
    let logger = logging.logger("a")
    logger.info("one")
    try logging.setFormat("%{message}!")
    logger.info("two")
    #expect(throws: LogFormatError.self) { try logging.setFormat("%{color:no}") }
    logger.info("three")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines == ["INFO a one", "two!", "three!"])
  }

  @Test func theCallingFunctionIsShown() throws {
    let (logging, sink) = try system(format: "%{shortfunc} -> %{message}")
    logging.logger("a").info("text")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines == ["theCallingFunctionIsShown -> text"])
  }

  @Test func entriesAreCountedPerLevel() throws {
    let (logging, _) = try system("info")
    let logger = logging.logger("a")
    logger.info("1")
    logger.info("2")
    logger.error("3")
    logger.debug("4")
    let statistics = logging.statistics
    #expect(statistics.checked[.info] == 2)
    #expect(statistics.written[.info] == 2)
    #expect(statistics.written[.error] == 1)
    #expect(statistics.written[.debug] == 0)
    #expect(statistics.dropped == 0)
  }

  @Test func aSlowReaderLosesEntriesAndIsToldHowMany() throws {
    let sink = BlockableSink()
    let logging = FabricLogging(
      format: try LogFormat("%{message}"), sink: sink, queueEntries: 10)
    let logger = logging.logger("a")
    logger.info("first")
    sink.waitUntilBlocked()
    for number in 0..<25 { logger.info("\(number)") }
    let statistics = logging.statistics
    #expect(statistics.dropped == 15)
    #expect(statistics.written[.info] == 11)
    sink.unblock()
    #expect(logging.flush(timeout: .seconds(3600)))
    let expected = "15 log entries were dropped because the reader of the log is too slow"
    #expect(sink.lines.contains(expected))
    #expect(sink.lines.count == 12)
    logger.info("again")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines.last == "again")
  }

  @Test func linesOfManyThreadsStayWhole() async throws {
    let (logging, sink) = try system(format: "%{id} %{message}")
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          let logger = logging.logger("t\(task)")
          for number in 0..<200 { logger.info("\(task)-\(number)") }
        }
      }
    }
    #expect(logging.flush(timeout: .seconds(3600)))
    let lines = sink.lines.map { $0.split(separator: " ") }
    #expect(lines.map { $0[0] }.elementsEqual((1...1600).map { Substring("\($0)") }))
    for task in 0..<8 {
      let own = lines.map { $0[1] }.filter { $0.hasPrefix("\(task)-") }
      #expect(own.elementsEqual((0..<200).map { "\(task)-\($0)"[...] }))
    }
  }

  @Test func theEnvironmentConfiguresLogging() {
    let sink = MemorySink()
    let logging = FabricLogging.fromEnvironment(
      ["FABRIC_LOGGING_SPEC": "a=debug:warn", "FABRIC_LOGGING_FORMAT": "json"], sink: sink)
    #expect(logging.spec == "a=debug:warn")
    logging.logger("a").debug("text")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines.first?.hasPrefix("{\"level\":\"debug\",") == true)
  }

  @Test(
    "An invalid spec in the environment is reported and replaced by info",
    arguments: ["nosuchlevel", "orderer=nosuchlevel", "a=b=c"])
  func invalidSpecInEnvironment(spec: String) {
    let sink = MemorySink()
    let logging = FabricLogging.fromEnvironment(["FABRIC_LOGGING_SPEC": spec], sink: sink)
    #expect(logging.spec == "info")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.text.contains(spec))
    #expect(sink.text.contains("WARN"))
  }

  @Test func anInvalidFormatInTheEnvironmentIsReportedAndReplaced() {
    let sink = MemorySink()
    let logging = FabricLogging.fromEnvironment(
      ["FABRIC_LOGGING_FORMAT": "%{color:x}", "FABRIC_LOGGING_SPEC": ""], sink: sink)
    logging.flush(timeout: .seconds(3600))
    #expect(sink.text.contains("invalid color option: x"))
    #expect(sink.text.contains("[flogging]"))
  }

  @Test func loggersBeyondTheBoundStillLog() throws {
    let (logging, sink) = try system()
    for number in 0...FabricLogging.maximumLoggers { _ = logging.logger("l\(number)") }
    logging.logger("late").info("text")
    logging.flush(timeout: .seconds(3600))
    #expect(sink.lines == ["INFO late text"])
  }
}

/// A sink that blocks in its first write until it is released.
private final class BlockableSink: LogSink {
  private let collected = MemorySink()
  private let blocked = DispatchSemaphore(value: 0)
  private let released = DispatchSemaphore(value: 0)
  private let first = Atomic(true)

  func write(_ lines: [UInt8]) {
    if first.exchange(false, ordering: .relaxed) {
      blocked.signal()
      released.wait()
    }
    collected.write(lines)
  }

  func waitUntilBlocked() { blocked.wait() }
  func unblock() { released.signal() }
  var lines: [String] { collected.lines }
}
