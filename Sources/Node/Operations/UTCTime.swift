// Times as HTTP and JSON have them.

import Foundation

/// A moment, in UTC.
struct UTCTime: Sendable {
  /// Since 1970.
  let seconds: Int
  let nanoseconds: Int

  init(seconds: Int, nanoseconds: Int = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  static func now() -> UTCTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UTCTime(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
  }

  /// `2026-01-02T03:04:05.6789Z`, as Go writes a time in JSON: the fraction without zeros at its end.
  var rfc3339: String {
    let (year, month, day) = date
    var fraction = nanoseconds == 0 ? "" : "." + Self.padded(nanoseconds, 9)
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T\(clock)"
      + "\(fraction)Z"
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
  var httpDate: String {
    let (year, month, day) = date
    let weekday = Self.weekdays[modulo(dayNumber + 4, 7)]
    return "\(weekday), \(Self.padded(day, 2)) \(Self.months[month - 1]) \(Self.padded(year, 4)) "
      + "\(clock) GMT"
  }

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  private static let secondsPerDay = 86_400

  private var dayNumber: Int {
    (seconds - modulo(seconds, Self.secondsPerDay)) / Self.secondsPerDay
  }

  private var clock: String {
    let second = modulo(seconds, Self.secondsPerDay)
    return Self.padded(second / 3600, 2) + ":" + Self.padded(second / 60 % 60, 2) + ":"
      + Self.padded(second % 60, 2)
  }

  /// The civil date of a day: years begin in March, so that the leap day is their last.
  private var date: (year: Int, month: Int, day: Int) {
    let shifted = dayNumber + 719_468
    let era = (shifted - modulo(shifted, 146_097)) / 146_097
    let dayOfEra = modulo(shifted, 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
  }

  private func modulo(_ value: Int, _ divisor: Int) -> Int {
    let rest = value % divisor
    return rest < 0 ? rest + divisor : rest
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
