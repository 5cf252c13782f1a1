// Moments broken down by the calendar.

import GoText
import Testing

@Suite struct CivilTimeTests {
  @Test func secondsBecomeALocalTime() {
    // The zone of the machine is unknown here, but every zone agrees on the second.
    let time = CivilTime(local: UnixTime(seconds: 1_700_000_000, nanoseconds: 5))
    #expect(time.second == 20)
    #expect(time.nanosecond == 5)
    #expect(time.year == 2023)
  }

  @Test(arguments: [
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
    (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z"),
    (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT", "2024-12-31T23:59:59Z"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00Z"),
    (-1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59Z"),
  ])
  func timesAreWrittenAsHTTPAndJSONWantThem(seconds: Int64, date: String, json: String) {
    #expect(UnixTime(seconds: seconds).utc(.http) == date)
    #expect(UnixTime(seconds: seconds).utc(.rfc3339Nano) == json)
  }

  @Test func theFractionOfJSONsTimesEndsWithoutZeros() {
    let time = UnixTime(seconds: 1_795_380_710, nanoseconds: 188_401_820)
    #expect(time.utc(.rfc3339Nano) == "2026-11-22T20:51:50.18840182Z")
  }

  @Test(arguments: [
    (0, 1), (58, 59), (59, 60), (364, 365),  // 1970
    (11_015, 59), (11_016, 60), (11_017, 61), (11_322, 366),  // 2000
  ])
  func daysOfTheYearAreCounted(day: Int64, number: Int) {
    #expect(CivilTime(utc: UnixTime(seconds: day * 86_400)).yearDay == number)
  }

  @Test func noMomentIsTooFar() {
    for seconds in [Int64.min, .max] { _ = CivilTime(utc: UnixTime(seconds: seconds)) }
  }

  @Test func daysFollowEachOther() {
    var last = CivilTime(utc: UnixTime(seconds: -200_000 * 86_400))
    for day in -199_999...200_000 as ClosedRange<Int64> {
      let time = CivilTime(utc: UnixTime(seconds: day * 86_400))
      let back = CivilTime.secondsSince1970(year: time.year, month: time.month, day: time.day)
      let isNewMonth = time.day == 1
      let isNewYear = isNewMonth && time.month == 1
      let follows =
        back == day * 86_400 && time.weekday == (last.weekday + 1) % 7
        && time.month == (isNewMonth ? last.month % 12 + 1 : last.month)
        && time.year == (isNewYear ? last.year + 1 : last.year)
        && time.yearDay == (isNewYear ? 1 : last.yearDay + 1)
        && (isNewMonth ? (28...31).contains(last.day) : time.day == last.day + 1)
      guard follows else {
        Issue.record("\(time) follows \(last)")
        return
      }
      last = time
    }
  }
}
