// The logging system: loggers by name, levels by spec, lines by format.

import Logging
import Synchronization

/// Numbers about logging, per level and in all, for metrics (Fabric: flogging/metrics).
package struct LogStatistics: Sendable, Hashable {
  /// Entries that reached the backend, that is, passed the threshold of their logger.
  package var checked: [FabricLogLevel: UInt64]
  /// Entries that were accepted for writing.
  package var written: [FabricLogLevel: UInt64]
  /// Entries that were dropped because the queue was full.
  package var dropped: UInt64
}

/// Fabric's logging as a backend of swift-log (Fabric: flogging).
///
/// Levels follow a spec that can change at run time, lines follow a format. A call at a disabled
/// level costs one atomic load; an enabled one queues a record and returns. A thread of its own
/// writes the lines.
package final class FabricLogging: Sendable {
  /// At most this many loggers are tracked for changes of the spec; later ones keep the level they
  /// were made with. Loggers are made per component, not per channel or client.
  static let maximumLoggers = 4096

  private struct State {
    var spec: LogSpec
    var loggers: [String: LoggerThreshold] = [:]
  }

  private let state: Mutex<State>
  private let counters = LevelCounters()
  private let repeated = Mutex(RepeatedLines())
  let clock: LogClock
  let writer: LogWriter

  /// A logging system of its own; the process usually has one.
  ///
  /// - Parameters:
  ///   - queueEntries: how many entries may wait for the writer before new ones are dropped.
  package init(
    spec: LogSpec = .info, format: LogFormat = .standard,
    sink: any LogSink = FileDescriptorSink.standardError, queueEntries: Int = 16_384,
    clock: LogClock = .system
  ) {
    self.clock = clock
    state = Mutex(State(spec: spec))
    var limits = LogWriter.Limits()
    limits.entries = max(1, queueEntries)
    writer = LogWriter(format: format, sink: sink, limits: limits, now: clock.now)
    writer.start()
  }

  deinit { writer.stop() }

  // MARK: Levels

  /// The active spec in normal form, as `/logspec` shows it.
  package var spec: String { state.withLock { $0.spec.description } }

  /// Activates a spec for all loggers, existing ones too. An invalid spec changes nothing.
  package func setSpec(_ text: String) throws(LogSpecError) {
    let spec = try LogSpec(text)
    state.withLock { state in
      state.spec = spec
      for threshold in state.loggers.values { threshold.set(spec.level(of: threshold.name)) }
    }
  }

  /// The threshold of the logger called `name`.
  package func level(of name: String) -> FabricLogLevel {
    state.withLock { $0.spec.level(of: name) }
  }

  // MARK: Format and output

  /// Writes entries that are logged from now on in another format.
  package func setFormat(_ text: String) throws(LogFormatError) {
    let format = try LogFormat(text)
    flush()
    writer.setFormat(format)
  }

  /// Waits until everything logged so far is written, for the end of the process. False if it took
  /// longer than `timeout`.
  @discardableResult
  package func flush(timeout: Duration = .seconds(2)) -> Bool { writer.flush(timeout: timeout) }

  /// What has been logged so far.
  package var statistics: LogStatistics {
    let (checked, written) = counters.snapshot()
    return LogStatistics(checked: checked, written: written, dropped: writer.dropped)
  }

  // MARK: Loggers

  /// A logger; its name decides its level.
  ///
  /// - Parameter isAboutClients: whether its warnings and errors are brought about by clients, as often as
  ///   they like. Of each such line only so many are written, and the others are counted.
  package func logger(_ name: String, isAboutClients: Bool = false) -> Logger {
    Logger(label: name) { self.handler($0, isAboutClients: isAboutClients) }
  }

  /// Makes this the backend of every logger of the process. Once per process, as swift-log demands.
  package func bootstrap() { LoggingSystem.bootstrap { self.handler($0) } }

  /// The swift-log handler of a logger.
  package func handler(_ name: String, isAboutClients: Bool = false) -> FabricLogHandler {
    let threshold = state.withLock { state -> LoggerThreshold in
      if let known = state.loggers[name] { return known }
      let threshold = LoggerThreshold(name: name, level: state.spec.level(of: name))
      if state.loggers.count < Self.maximumLoggers { state.loggers[name] = threshold }
      return threshold
    }
    return FabricLogHandler(system: self, threshold: threshold, isAboutClients: isAboutClients)
  }

  /// Whether a line that clients bring about is to be written.
  func judgeRepeated(_ place: RepeatedLines.Place) -> RepeatedLines.Verdict {
    let now = clock.uptime()
    return repeated.withLock { $0.judge(place, at: now) }
  }

  /// Queues a record that passed the check of its logger.
  func submit(_ record: LogRecord) {
    if writer.enqueue(record) { counters.countWritten(record.level) }
    // The process is about to end: its last words must be out before it does.
    if record.level >= .panic { flush() }
  }

  func countChecked(_ level: FabricLogLevel) { counters.countChecked(level) }
}

/// The threshold of one named logger, shared by all handlers of that name.
final class LoggerThreshold: Sendable {
  let name: String
  private let level: Atomic<Int8>

  init(name: String, level: FabricLogLevel) {
    self.name = name
    self.level = Atomic(level.rawValue)
  }

  func set(_ level: FabricLogLevel) { self.level.store(level.rawValue, ordering: .relaxed) }

  func get() -> FabricLogLevel {
    FabricLogLevel(rawValue: level.load(ordering: .relaxed)) ?? .info
  }
}
