// Protobuf timestamps as text.

/// Timestamps in the form that protobuf's JSON gives them.
enum RFC3339 {
  /// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, in seconds since 1970; there are no others.
  static let seconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  /// E.g. `2024-02-29T08:30:00.500Z`, with 0, 3, 6 or 9 digits after the second.
  static func text(
    seconds: Int64, nanoseconds: Int32, path: String
  ) throws(ConfigToolsError) -> String {
    guard Self.seconds.contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else {
      throw ConfigToolsError(
        "\(path): \(seconds) seconds and \(nanoseconds) nanoseconds are no time between the years "
          + "1 and 9999")
    }
    let day = (seconds - seconds.remainder86400) / 86_400
    let second = seconds.remainder86400
    let (year, month, dayOfMonth) = civil(day)
    let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
    let time =
      "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
    return "\(date)T\(time)\(fraction(Int64(nanoseconds)))Z"
  }

  private static func fraction(_ nanoseconds: Int64) -> String {
    if nanoseconds == 0 { return "" }
    if nanoseconds % 1_000_000 == 0 { return "." + padded(nanoseconds / 1_000_000, 3) }
    if nanoseconds % 1_000 == 0 { return "." + padded(nanoseconds / 1_000, 6) }
    return "." + padded(nanoseconds, 9)
  }

  private static func padded(_ number: Int64, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// The date of a day counted from 1970-01-01, in the Gregorian calendar. Years are counted from
  /// March here, so that the leap day is a year's last day.
  private static func civil(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }
}

extension Int64 {
  /// The second of the day, also for times before 1970.
  fileprivate var remainder86400: Int64 {
    let remainder = self % 86_400
    return remainder < 0 ? remainder + 86_400 : remainder
  }
}
