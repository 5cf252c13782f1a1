// A report for the terminal.

/// Makes tables and sentences of runs.
package enum ReportText {
  /// Runs side by side, with what stood in their way.
  package static func report(_ report: BenchmarkReport) -> String {
    let orderers = report.runs.map(\.orderer)
    let isOne = Set(orderers).count == 1
    var rows = isOne ? [] : [["", ""] + orderers]
    rows.append(
      [isOne ? orderers[0] : "", ""]
        + report.runs.map { $0.plan.name + ($0.round.map { " #\($0)" } ?? "") })
    for figure in Figure.all {
      let values = report.runs.map(figure.value)
      guard values.contains(where: { $0 != nil }) else { continue }
      rows.append(
        [figure.name, figure.unit] + values.map { $0.map(FigureText.number) ?? "-" })
    }
    let remarks = report.runs.flatMap { run in
      limits(run) + problems(run)
    }
    return ([FigureText.table(rows), ""] + remarks).joined(separator: "\n")
  }

  /// What went wrong, a line each; empty if nothing did.
  package static func problems(_ report: BenchmarkReport) -> String {
    report.runs.flatMap(problems).joined(separator: "\n")
  }

  static func title(_ run: RunReport) -> String { title(run, round: run.round) }

  static func title(_ run: RunReport, round: Int?) -> String {
    "\(run.orderer): \(run.plan.name)" + (round.map { " #\($0)" } ?? "")
  }

  private static func limits(_ run: RunReport) -> [String] {
    run.limits.enumerated().map { index, limit in
      index == 0 ? "\(title(run)): limited by \(limit)." : "  Also: \(limit)."
    }
  }

  private static func problems(_ run: RunReport) -> [String] {
    var problems: [String] = []
    if !run.refused.isEmpty {
      let list = run.refused.sorted { $0.key < $1.key }.map { "\($0.value) with status \($0.key)" }
      problems.append("refused: \(list.joined(separator: ", "))")
    }
    if run.unanswered > 0 { problems.append("without an answer: \(run.unanswered)") }
    if run.missing > 0 { problems.append("acknowledged, but in no block: \(run.missing)") }
    if run.duplicates > 0 { problems.append("in blocks more than once: \(run.duplicates)") }
    if run.foreign > 0 { problems.append("transactions of others came meanwhile: \(run.foreign)") }
    if run.failures > 0 { problems.append("streams that failed: \(run.failures)") }
    return (problems + run.reasons).map { "\(title(run)): \($0)" }
  }
}
