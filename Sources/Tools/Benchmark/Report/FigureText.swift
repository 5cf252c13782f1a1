// Figures as people read them.

import Foundation

/// Numbers with three digits that matter, and tables.
package enum FigureText {
  /// Such as `12 345`, `123`, `12.3`, `0.123`.
  package static func number(_ value: Double) -> String {
    switch abs(value) {
    case 100...: grouped(value)
    case 10..<100: String(format: "%.1f", value)
    case 1..<10: String(format: "%.2f", value)
    case 0: "0"
    default: String(format: "%.3f", value)
    }
  }

  private static func grouped(_ value: Double) -> String {
    let digits = String(format: "%.0f", abs(value))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return (value < 0 ? "-" : "") + text
  }

  /// Lines with the first column to the left and all others to the right.
  static func table(_ rows: [[String]]) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + padding : padding + text
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}
