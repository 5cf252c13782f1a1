// A log that tests can look at.

import Logging
import Synchronization

/// Keeps what is logged, a line for each entry: `LEVEL MESSAGE KEY=VALUE…`.
package final class TestLog: Sendable {
  private let lines = Mutex([String]())

  package init() {}

  package var all: [String] { lines.withLock { $0 } }
  package var text: String { all.joined(separator: "\n") }

  package var logger: Logger {
    var logger = Logger(label: "test") { _ in Handler(log: self) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let log: TestLog
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).map { " \($0)=\($1)" }.sorted().joined()
      log.lines.withLock { $0.append("\(event.level) \(event.message)\(fields)") }
    }
  }
}
