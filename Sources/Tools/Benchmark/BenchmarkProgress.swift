// How far a measurement is, for whoever watches.

import Synchronization

/// The step that goes on now. Only looked at from time to time, so that watching costs nothing.
package final class BenchmarkProgress: Sendable {
  /// A step as it is shown.
  package struct Step: Sendable, Equatable {
    package var label: String
    package var done: Int64
    package var total: Int64
    package var detail: String
  }

  enum Stage: Sendable {
    case starting(String)
    case signing(done: Int, of: Int)
    /// With `seconds`, the time is the goal and not the number.
    case sending(LoadRun, count: Int, isWarmUp: Bool, seconds: Double?)
    case reading(ReaderTotals)
  }

  private let stage = Mutex(Stage.starting("orderer"))

  package init() {}

  func set(_ stage: Stage) { self.stage.withLock { $0 = stage } }

  /// What to show now.
  package var step: Step {
    switch stage.withLock({ $0 }) {
    case .starting(let name): Step(label: "starting \(name)", done: 0, total: 1, detail: "")
    case .signing(let done, let count):
      Step(label: "signing", done: Int64(done), total: Int64(count), detail: "\(done) envelopes")
    case .sending(let run, let count, let isWarmUp, let seconds):
      Self.sending(isWarmUp ? "warming up" : "sending", run, count, seconds)
    case .reading(let totals):
      Step(label: "reading", done: 0, total: 1, detail: "\(totals.current.bytes / 1_000_000) MB")
    }
  }

  private static func sending(
    _ label: String, _ run: LoadRun, _ count: Int, _ seconds: Double?
  ) -> Step {
    let (settled, delivered) = run.progress
    let detail = "\(settled) acknowledged, \(delivered) delivered"
    guard let seconds else {
      return Step(label: label, done: Int64(settled), total: Int64(count), detail: detail)
    }
    let milliseconds = run.clock.now / 1_000_000
    return Step(
      label: label, done: milliseconds, total: Int64(seconds * 1000), detail: detail)
  }
}
