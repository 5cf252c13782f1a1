// Layouts of times.

import GoText
import Testing

@Suite struct GoTimeLayoutTests {
  private static var time: CivilTime {
    var time = CivilTime()
    time.year = 2024
    time.month = 3
    time.day = 5
    time.hour = 15
    time.minute = 4
    time.second = 9
    time.nanosecond = 12_340_000
    time.weekday = 2
    time.yearDay = 65
    time.zoneOffset = -(3 * 3600 + 30 * 60)
    time.zoneName = "NST"
    return time
  }

  @Test(
    "Layouts render like Go's",
    arguments: [
      ("2006-01-02 15:04:05.000 MST", "2024-03-05 15:04:09.012 NST"),
      ("2006-01-02T15:04:05.999Z07:00", "2024-03-05T15:04:09.012-03:30"),
      ("Mon Jan _2 15:04:05 2006", "Tue Mar  5 15:04:09 2024"),
      ("Monday, 02-Jan-06 15:04:05 MST", "Tuesday, 05-Mar-24 15:04:09 NST"),
      ("January 2, 2006 3:4:5 PM pm 03", "March 5, 2024 3:4:9 PM pm 03"),
      ("1/2/06 002 __2", "3/5/24 065  65"),
      ("-0700 -07 -07:00:00 Z0700", "-0330 -03 -03:30:00 -0330"),
      ("05.000000000 05.99 05,000", "09.012340000 09.01 09,012"), ("Janet Month", "Janet Month"),
      ("_2006", "_2024"), (".0000x.9", ".0123x"), ("", ""),
    ])
  func layouts(layout: String, expected: String) {
    #expect(GoTimeLayout(layout).format(Self.time) == expected)
  }

  @Test func utcIsZ() {
    var time = Self.time
    time.zoneOffset = 0
    #expect(GoTimeLayout("Z07:00 Z07 -07:00").format(time) == "Z Z +00:00")
  }
}
