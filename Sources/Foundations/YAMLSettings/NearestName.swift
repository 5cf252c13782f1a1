// Finds the setting that somebody has mistyped.

/// The edit distance between names, and the nearest of several.
package enum NearestName {
  /// How many insertions, deletions, replacements and swaps of neighbours turn one into the other.
  package static func distance(_ left: String, _ right: String) -> Int {
    let (a, b) = (Array(left.utf8.prefix(200)), Array(right.utf8.prefix(200)))
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        let cost = a[i - 1] == b[j - 1] ? 0 : 1
        var best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          best = min(best, beforeLast[j - 2] + 1)
        }
        row.append(best)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }

  /// The known dotted key that an unknown one probably means, nil if none is near.
  ///
  /// A key with the same last name in another section counts as near: sections are mixed up as
  /// easily as letters.
  package static func suggestion(for key: String, among known: [String]) -> String? {
    let wanted = key.lowercased()
    let wantedName = lastName(wanted)
    var best: (key: String, score: Int)?
    for candidate in known {
      let lower = candidate.lowercased()
      let whole = distance(wanted, lower)
      // Half a point for the section keeps settings of the same section ahead.
      let score = min(2 * whole, lastName(lower) == wantedName ? 2 : Int.max)
      if score < best?.score ?? Int.max { best = (candidate, score) }
    }
    guard let best, best.score <= 2 * max(2, wantedName.count / 3) else { return nil }
    return best.key
  }

  private static func lastName(_ key: String) -> Substring {
    key.lastIndex(of: ".").map { key[key.index(after: $0)...] } ?? key[...]
  }
}
