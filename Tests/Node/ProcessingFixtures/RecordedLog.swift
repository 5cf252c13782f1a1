// Keeps what is logged, for tests of the log's wording.

import Logging
import Synchronization

/// A logger's output.
package final class RecordedLog: Sendable {
  private let entries = Mutex<[(level: Logger.Level, text: String)]>([])

  package init() {}

  /// What was logged, in order.
  package var lines: [(level: Logger.Level, text: String)] { entries.withLock { $0 } }

  /// A logger of all levels that writes here.
  package var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

  private struct Handler: LogHandler {
    let log: RecordedLog
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.entries.withLock { $0.append((event.level, "\(event.message)")) }
    }
  }
}
