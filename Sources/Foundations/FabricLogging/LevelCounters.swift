// Counts log entries per level.

import Synchronization

/// Lock-free counters of checked and written entries for each level.
final class LevelCounters: Sendable {
  private struct Pair: ~Copyable, Sendable {
    let checked = Atomic<UInt64>(0)
    let written = Atomic<UInt64>(0)
  }

  private let payload = Pair()
  private let debug = Pair()
  private let info = Pair()
  private let warn = Pair()
  private let error = Pair()
  private let dpanic = Pair()
  private let panic = Pair()
  private let fatal = Pair()

  func countChecked(_ level: FabricLogLevel) {
    with(level) { $0.checked.wrappingAdd(1, ordering: .relaxed) }
  }

  func countWritten(_ level: FabricLogLevel) {
    with(level) { $0.written.wrappingAdd(1, ordering: .relaxed) }
  }

  /// The counts of all levels, those at zero included.
  func snapshot() -> (checked: [FabricLogLevel: UInt64], written: [FabricLogLevel: UInt64]) {
    var checked: [FabricLogLevel: UInt64] = [:]
    var written: [FabricLogLevel: UInt64] = [:]
    for level in FabricLogLevel.allCases {
      checked[level] = with(level) { $0.checked.load(ordering: .relaxed) }
      written[level] = with(level) { $0.written.load(ordering: .relaxed) }
    }
    return (checked, written)
  }

  @discardableResult
  private func with<Result>(
    _ level: FabricLogLevel, _ body: (borrowing Pair) -> Result
  ) -> Result {
    switch level {
    case .payload: body(payload)
    case .debug: body(debug)
    case .info: body(info)
    case .warn: body(warn)
    case .error: body(error)
    case .dpanic: body(dpanic)
    case .panic: body(panic)
    case .fatal: body(fatal)
    }
  }
}
