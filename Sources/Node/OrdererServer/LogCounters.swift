// The metrics of logging.

import Concurrency
import FabricLogging
import MetricDescriptions
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
      levels[level] = Level(
        checked: factory.counter(Self.checkedCount, level.name),
        written: factory.counter(Self.writtenCount, level.name))
    }
    self.levels = levels
    dropped = factory.counter(Self.droppedCount)
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

extension LogCounters {
  private static let checkedCount = MetricDescription.counter(
    "logging.entries_checked", labels: ["level"],
    "Log entries that were compared with the active log spec.")
  private static let writtenCount = MetricDescription.counter(
    "logging.entries_written", labels: ["level"], "Log entries that were written.")
  private static let droppedCount = MetricDescription.counter(
    "heddle.logging.entries_dropped_count",
    "Log entries that were dropped because the log could not be written fast enough.")

  /// Every metric that is recorded here.
  static let descriptions = [checkedCount, writtenCount, droppedCount]
}
