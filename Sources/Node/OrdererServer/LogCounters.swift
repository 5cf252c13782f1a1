// What logging is measured by.

import Concurrency
import FabricLogging
import Metrics
import Synchronization

/// Carries the counts that logging keeps by itself over to Fabric's `logging` metrics.
final class LogCounters: Sendable {
  /// How old the metrics can be.
  static let interval = Duration.seconds(1)

  private struct Level: Sendable {
    let checked: Counter
    let written: Counter
  }

  private let levels: [FabricLogLevel: Level]
  /// Fabric drops no entries, so it has no such metric.
  private let dropped: Counter
  private let told = Mutex<LogStatistics?>(nil)

  init(factory: any MetricsFactory) {
    var levels: [FabricLogLevel: Level] = [:]
    for level in FabricLogLevel.allCases {
      let labels = [("level", level.name)]
      levels[level] = Level(
        checked: Counter(label: "logging_entries_checked", dimensions: labels, factory: factory),
        written: Counter(label: "logging_entries_written", dimensions: labels, factory: factory))
    }
    self.levels = levels
    dropped = Counter(label: "heddle_logging_entries_dropped_count", factory: factory)
  }

  /// Counts what has been logged since the last call.
  func update(_ statistics: LogStatistics) {
    told.withLock { told in
      for (level, counters) in levels {
        Self.add(statistics.checked[level], over: told?.checked[level], to: counters.checked)
        Self.add(statistics.written[level], over: told?.written[level], to: counters.written)
      }
      Self.add(statistics.dropped, over: told?.dropped, to: dropped)
      told = statistics
    }
  }

  private static func add(_ now: UInt64?, over before: UInt64?, to counter: Counter) {
    let (new, hasWrapped) = (now ?? 0).subtractingReportingOverflow(before ?? 0)
    if new > 0, !hasWrapped { counter.increment(by: Int64(clamping: new)) }
  }

  /// Goes on counting until the task is cancelled.
  func follow(_ logging: FabricLogging, on time: any TimeSource) async {
    repeat {
      update(logging.statistics)
    } while (try? await time.sleep(for: Self.interval)) != nil
  }
}
