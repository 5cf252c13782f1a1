// The terms of a whole log in few bytes: they only grow, so one number for each term will do.

/// The term of each entry from one index on.
struct TermRuns: Equatable, Sendable {
  struct Run: Equatable, Sendable {
    let term: Term
    let first: LogIndex
  }

  /// Before the first entry. Its term is known, which is what a first append has to match.
  private(set) var base: LogPosition
  private(set) var last: LogIndex
  private var runs: [Run] = []

  init(after base: LogPosition) {
    self.base = base
    last = base.index
  }

  /// Nil outside of the log.
  func term(at index: LogIndex) -> Term? {
    if index == base.index { return base.term }
    guard index > base.index, index <= last else { return nil }
    return runs[run(of: index)].term
  }

  /// The run that an entry of the log is in.
  private func run(of index: LogIndex) -> Int {
    if let newest = runs.last, newest.first <= index { return runs.count - 1 }
    var low = 0
    var high = runs.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if runs[middle].first <= index { low = middle } else { high = middle - 1 }
    }
    return low
  }

  mutating func append(_ term: Term) {
    last += 1
    if runs.last?.term != term { runs.append(Run(term: term, first: last)) }
  }

  /// Forgets all behind an index.
  mutating func truncate(to index: LogIndex) {
    while let newest = runs.last, newest.first > index { runs.removeLast() }
    last = min(last, max(index, base.index))
  }

  /// Forgets all up to an index of the log.
  mutating func compact(through index: LogIndex) {
    guard index > base.index, index <= last, let term = term(at: index) else { return }
    let keeping = run(of: index)
    base = LogPosition(term: term, index: index)
    let rest = index < last ? runs[keeping] : nil
    runs.removeFirst(keeping + 1)
    if let rest, runs.first?.first != index + 1 {
      runs.insert(Run(term: rest.term, first: index + 1), at: 0)
    }
  }

  /// The newest entry up to `index` whose term is not above `term`, with its term: where two logs may agree at
  /// the latest. Outside of the log nothing is known, and the term is 0.
  func conflict(upTo index: LogIndex, term: Term) -> LogPosition {
    var index = index
    while index > 0 {
      guard let ours = self.term(at: index) else { return LogPosition(term: 0, index: index) }
      if ours <= term { return LogPosition(term: ours, index: index) }
      index = index == base.index ? index - 1 : runs[run(of: index)].first - 1
    }
    return LogPosition()
  }
}
