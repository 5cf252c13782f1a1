// Fabric's severity levels, their names, and how they relate to the levels of swift-log.

import Logging

/// A severity as Fabric's log specs, formats and metrics name it (Fabric: flogging/levels).
///
/// The raw value is the number that Fabric's logging library uses, so that comparing raw values
/// compares severities.
package enum FabricLogLevel: Int8, Sendable, Hashable, Comparable, CaseIterable {
  /// Below debug: dumps of whole messages.
  case payload = -2
  case debug = -1
  case info = 0
  case warn = 1
  case error = 2
  /// A bug that would end a development build. Kept because specs may name it.
  case dpanic = 3
  /// The process, or what it was about to start, cannot go on.
  case panic = 4
  case fatal = 5

  /// The level that a log spec calls `name`: all lower or all upper case, with Fabric's synonyms
  /// (`warning`, `notice`, `critical`). Nil for any other name.
  package init?(name: some StringProtocol) {
    switch name {
    case "PAYLOAD", "payload": self = .payload
    case "DEBUG", "debug": self = .debug
    case "INFO", "info", "NOTICE", "notice": self = .info
    case "WARNING", "WARN", "warning", "warn": self = .warn
    case "ERROR", "error", "CRITICAL", "critical": self = .error
    case "DPANIC", "dpanic": self = .dpanic
    case "PANIC", "panic": self = .panic
    case "FATAL", "fatal": self = .fatal
    default: return nil
    }
  }

  /// The level of an entry that was logged through swift-log at `level`.
  ///
  /// swift-log knows one level above error; it means PANIC here, and `Logger.fatal` marks the
  /// entries that are FATAL instead.
  package init(_ level: Logger.Level) {
    switch level {
    case .trace: self = .payload
    case .debug: self = .debug
    case .info, .notice: self = .info
    case .warning: self = .warn
    case .error: self = .error
    case .critical: self = .panic
    }
  }

  /// The name in specs, in JSON and in the label of metrics, for example `info`.
  package var name: String {
    switch self {
    case .payload: "payload"
    case .debug: "debug"
    case .info: "info"
    case .warn: "warn"
    case .error: "error"
    case .dpanic: "dpanic"
    case .panic: "panic"
    case .fatal: "fatal"
    }
  }

  /// The name in console lines, for example `INFO`; formats usually cut it to four letters.
  package var capitalName: String {
    switch self {
    case .payload: "PAYLOAD"
    case .debug: "DEBUG"
    case .info: "INFO"
    case .warn: "WARN"
    case .error: "ERROR"
    case .dpanic: "DPANIC"
    case .panic: "PANIC"
    case .fatal: "FATAL"
    }
  }

  /// The lowest swift-log level that a logger with this threshold has to let through.
  package var swiftLogThreshold: Logger.Level {
    switch self {
    case .payload: .trace
    case .debug: .debug
    case .info: .info
    case .warn: .warning
    case .error: .error
    case .dpanic, .panic, .fatal: .critical
    }
  }

  /// The SGR color number of console lines at this level; 0 is "no color" (Fabric: fabenc/color).
  var color: Int {
    switch self {
    case .payload: 0
    case .debug: 36
    case .info: 34
    case .warn: 33
    case .error: 31
    case .dpanic, .panic, .fatal: 35
    }
  }

  package static func < (left: FabricLogLevel, right: FabricLogLevel) -> Bool {
    left.rawValue < right.rawValue
  }
}
