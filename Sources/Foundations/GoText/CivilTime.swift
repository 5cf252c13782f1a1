// A moment as calendars and clocks show it.

import Foundation

/// A moment broken down into date and time of day, in some zone.
package struct CivilTime: Sendable, Equatable {
  package var year = 1970
  package var month = 1
  package var day = 1
  package var hour = 0
  package var minute = 0
  package var second = 0
  package var nanosecond = 0
  /// 0 is Sunday.
  package var weekday = 4
  /// 1 is the first of January.
  package var yearDay = 1
  /// Seconds east of UTC.
  package var zoneOffset = 0
  package var zoneName = "UTC"

  /// The beginning of 1970, in UTC.
  package init() {}

  /// Breaks down a moment in the zone of the process (`TZ`).
  package init(local moment: UnixTime) {
    var time = time_t(moment.seconds)
    var parts = tm()
    guard localtime_r(&time, &parts) != nil else { return }
    year = Int(parts.tm_year) + 1900
    month = Int(parts.tm_mon) + 1
    day = Int(parts.tm_mday)
    hour = Int(parts.tm_hour)
    minute = Int(parts.tm_min)
    second = Int(parts.tm_sec)
    nanosecond = Int(moment.nanoseconds)
    weekday = Int(parts.tm_wday)
    yearDay = Int(parts.tm_yday) + 1
    zoneOffset = Int(parts.tm_gmtoff)
    if let name = parts.tm_zone { zoneName = String(cString: name) }
  }

  /// Breaks down a moment in UTC, by the Gregorian calendar also before it was introduced.
  package init(utc moment: UnixTime) {
    let (dayNumber, secondOfDay) = Self.floorDivide(Int(moment.seconds), 86_400)
    hour = secondOfDay / 3_600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
    nanosecond = Int(moment.nanoseconds)
    // Day 0 was a Thursday.
    weekday = Self.floorDivide(dayNumber + 4, 7).rest

    // Years begin in March here, so that the leap day is their last, and eras of 400 years are all
    // of the same length. Day 0 of this count is the first of March of the year 0.
    let (era, dayOfEra) = Self.floorDivide(dayNumber + Self.daysBefore1970, Self.daysOfEra)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayFromMarch + 2) / 153
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    // From March to December there are 306 days; January and February have 59, or 60 in a leap year.
    yearDay = month <= 2 ? dayFromMarch - 305 : dayFromMarch + (isLeapYear ? 61 : 60)
  }

  /// Seconds since 1970 of a date in UTC, by the Gregorian calendar. The parts are not checked: hour 24 is
  /// the next day's first.
  package static func secondsSince1970(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
  ) -> Int64 {
    // Years begin in March here, too.
    let monthFromMarch = month > 2 ? month - 3 : month + 9
    let (era, yearOfEra) = floorDivide(month > 2 ? year : year - 1, 400)
    let dayFromMarch = (153 * monthFromMarch + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayFromMarch
    let days = era * daysOfEra + dayOfEra - daysBefore1970
    return Int64(days * 86_400 + hour * 3_600 + minute * 60 + second)
  }

  /// Days of 400 years.
  private static let daysOfEra = 146_097
  /// From the first of March of the year 0 to the first of January 1970.
  private static let daysBefore1970 = 719_468

  /// Division that rounds down, so that the rest is never negative.
  private static func floorDivide(_ value: Int, _ divisor: Int) -> (quotient: Int, rest: Int) {
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
    return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
  }
}
