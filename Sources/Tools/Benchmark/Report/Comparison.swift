// Two orderers, or an orderer before and after a change, figure by figure.

/// Ratios of the first to the second, pair by pair.
package struct Comparison: Sendable {
  /// One figure of one kind of measurement.
  package struct Line: Sendable {
    package let plan: String
    package let figure: String
    /// Medians.
    package let first: Double
    package let second: Double
    /// The first divided by the second.
    package let median: Double
    package let minimum: Double
    package let maximum: Double
    /// Whether the median says that the first is better; nil if neither is.
    package let isBetter: Bool?
  }

  package let names: (String, String)
  package let lines: [Line]

  /// Compares measurements of the same name, the n-th of one with the n-th of the other; where one side has several
  /// orderers, those of the same orderer.
  ///
  /// - Throws: if they have none in common, or the same was not asked for.
  package init(_ first: [RunReport], _ second: [RunReport], names: (String, String)) throws {
    let hasSeveral = [first, second].contains { Set($0.map(\.orderer)).count > 1 }
    func key(_ run: RunReport) -> String {
      hasSeveral ? ReportText.title(run, round: nil) : run.plan.name
    }
    var keys: [String] = []
    for run in first where !keys.contains(key(run)) { keys.append(key(run)) }
    var lines: [Line] = []
    for name in keys {
      let ours = first.filter { key($0) == name }
      let theirs = second.filter { key($0) == name }
      guard theirs.allSatisfy({ $0.plan == ours[0].plan }) else {
        throw BenchmarkError("the two did not measure the same under the name \"\(name)\"")
      }
      for figure in Figure.all {
        let pairs = zip(ours, theirs).compactMap { a, b -> (Double, Double)? in
          guard let a = figure.value(a), let b = figure.value(b), b != 0 else { return nil }
          return (a, b)
        }
        if let line = Self.line(name, figure, pairs) { lines.append(line) }
      }
    }
    guard !lines.isEmpty else {
      throw BenchmarkError("the two have no measurement in common")
    }
    self.names = names
    self.lines = lines
  }

  private static func line(
    _ plan: String, _ figure: Figure, _ pairs: [(Double, Double)]
  ) -> Line? {
    let ratios = pairs.map { $0.0 / $0.1 }.sorted()
    guard let minimum = ratios.first, let maximum = ratios.last else { return nil }
    let median = median(ratios)
    let isBetter: Bool? =
      switch figure.better {
      case .more: median > 1
      case .less: median < 1
      case .none: nil
      }
    return Line(
      plan: plan, figure: "\(figure.name) (\(figure.unit))",
      first: Self.median(pairs.map(\.0).sorted()), second: Self.median(pairs.map(\.1).sorted()),
      median: median, minimum: minimum, maximum: maximum, isBetter: isBetter)
  }

  /// Of sorted values, at least one.
  private static func median(_ values: [Double]) -> Double {
    let middle = values.count / 2
    return values.count.isMultiple(of: 2)
      ? (values[middle - 1] + values[middle]) / 2 : values[middle]
  }

  /// For the terminal.
  package var text: String {
    var rows = [["", names.0, names.1, "ratio", "from", "to", ""]]
    var plan = ""
    for line in lines {
      if line.plan != plan {
        plan = line.plan
        rows.append(["\(plan):"])
      }
      let verdict = line.isBetter.map { $0 ? "better" : line.median == 1 ? "" : "worse" } ?? ""
      rows.append(
        ["  \(line.figure)"]
          + [line.first, line.second, line.median, line.minimum, line.maximum]
          .map(FigureText.number) + [verdict])
    }
    return FigureText.table(rows)
  }
}
