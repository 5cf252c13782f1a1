// Go's time layouts: the reference time, written the way other times are to be written.

/// A parsed Go time layout (Go: time.Layout; `2006-01-02 15:04:05.000 MST` and the like).
package struct GoTimeLayout: Sendable, Hashable {
  private enum Element: Sendable, Hashable {
    case literal(String)
    case longMonth, month, numericMonth, zeroMonth
    case longWeekday, weekday
    case day, spacedDay, zeroDay, spacedYearDay, zeroYearDay
    case hour, hour12, zeroHour12
    case minute, zeroMinute, second, zeroSecond
    case longYear, year
    case upperMeridiem, lowerMeridiem
    case zoneName
    /// `-07:00` and relatives; `z` writes `Z` for UTC.
    case offset(z: Bool, colon: Bool, minutes: Bool, seconds: Bool)
    /// Fractional seconds with their separator; trimmed ones drop trailing zeros.
    case fraction(separator: String, digits: Int, trimmed: Bool)
  }

  /// RFC 3339 with as many digits of the second's fraction as are needed: how Go writes a time in
  /// JSON (Go: `time.RFC3339Nano`).
  package static let rfc3339Nano = GoTimeLayout("2006-01-02T15:04:05.999999999Z07:00")

  /// HTTP's date (RFC 9110, 5.6.7), for times in UTC (Go: `http.TimeFormat`).
  package static let http = GoTimeLayout("Mon, 02 Jan 2006 15:04:05 GMT")

  private let elements: [Element]

  // Longest first where one is a prefix of another.
  private static let fixed: [(String, Element)] = [
    ("January", .longMonth), ("Monday", .longWeekday), ("MST", .zoneName),
    ("2006", .longYear), ("__2", .spacedYearDay), ("002", .zeroYearDay),
    ("01", .zeroMonth), ("02", .zeroDay), ("03", .zeroHour12), ("04", .zeroMinute),
    ("05", .zeroSecond), ("06", .year), ("15", .hour), ("PM", .upperMeridiem),
    ("pm", .lowerMeridiem),
    ("-07:00:00", .offset(z: false, colon: true, minutes: true, seconds: true)),
    ("-070000", .offset(z: false, colon: false, minutes: true, seconds: true)),
    ("-07:00", .offset(z: false, colon: true, minutes: true, seconds: false)),
    ("-0700", .offset(z: false, colon: false, minutes: true, seconds: false)),
    ("-07", .offset(z: false, colon: false, minutes: false, seconds: false)),
    ("Z07:00:00", .offset(z: true, colon: true, minutes: true, seconds: true)),
    ("Z070000", .offset(z: true, colon: false, minutes: true, seconds: true)),
    ("Z07:00", .offset(z: true, colon: true, minutes: true, seconds: false)),
    ("Z0700", .offset(z: true, colon: false, minutes: true, seconds: false)),
    ("Z07", .offset(z: true, colon: false, minutes: false, seconds: false)),
    ("_2", .spacedDay), ("1", .numericMonth), ("2", .day), ("3", .hour12), ("4", .minute),
    ("5", .second),
  ]

  package init(_ layout: String) {
    var elements: [Element] = []
    var literal = ""
    var rest = Substring(layout)
    while let first = rest.first {
      guard let (length, element) = Self.match(rest) else {
        literal.append(first)
        rest.removeFirst()
        continue
      }
      if !literal.isEmpty { elements.append(.literal(literal)) }
      literal = ""
      elements.append(element)
      rest = rest.dropFirst(length)
    }
    if !literal.isEmpty { elements.append(.literal(literal)) }
    self.elements = elements
  }

  /// The element at the beginning of `rest` and how many characters it takes.
  private static func match(_ rest: Substring) -> (Int, Element)? {
    if rest.first == "." || rest.first == "," { return matchFraction(rest) }
    // "_2006" is an underscore before a year, not a padded day.
    if rest.hasPrefix("_2006") { return nil }
    for (text, element) in fixed where rest.hasPrefix(text) { return (text.count, element) }
    for (text, element) in [("Jan", Element.month), ("Mon", Element.weekday)]
    where rest.hasPrefix(text) {
      // "Janet" and "Month" are words, not layouts.
      guard let next = rest.dropFirst(text.count).first, ("a"..."z").contains(next) else {
        return (text.count, element)
      }
    }
    return nil
  }

  private static func matchFraction(_ rest: Substring) -> (Int, Element)? {
    let digits = rest.dropFirst()
    guard let digit = digits.first, digit == "0" || digit == "9" else { return nil }
    let run = digits.prefix { $0 == digit }
    if let next = digits.dropFirst(run.count).first, next.isASCII, next.isNumber { return nil }
    return (
      1 + run.count,
      .fraction(separator: String(rest.prefix(1)), digits: run.count, trimmed: digit == "9")
    )
  }

  private static let monthNames = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  private static let weekdayNames = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]

  private static func name(_ names: [String], _ index: Int) -> String {
    names.indices.contains(index) ? names[index] : "?"
  }

  /// Appends the time in this layout.
  package func append(_ time: CivilTime, to output: inout [UInt8]) {
    for element in elements { Self.append(element, time, to: &output) }
  }

  /// The time in this layout.
  package func format(_ time: CivilTime) -> String {
    var bytes: [UInt8] = []
    append(time, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func append(_ element: Element, _ time: CivilTime, to output: inout [UInt8]) {
    let hour12 = time.hour % 12 == 0 ? 12 : time.hour % 12
    switch element {
    case .literal(let text): output.append(contentsOf: text.utf8)
    case .longMonth: output.append(contentsOf: name(monthNames, time.month - 1).utf8)
    case .month: output.append(contentsOf: name(monthNames, time.month - 1).utf8.prefix(3))
    case .numericMonth: number(time.month, to: &output)
    case .zeroMonth: number(time.month, width: 2, to: &output)
    case .longWeekday: output.append(contentsOf: name(weekdayNames, time.weekday).utf8)
    case .weekday: output.append(contentsOf: name(weekdayNames, time.weekday).utf8.prefix(3))
    case .day: number(time.day, to: &output)
    case .spacedDay: number(time.day, width: 2, pad: UInt8(ascii: " "), to: &output)
    case .zeroDay: number(time.day, width: 2, to: &output)
    case .spacedYearDay: number(time.yearDay, width: 3, pad: UInt8(ascii: " "), to: &output)
    case .zeroYearDay: number(time.yearDay, width: 3, to: &output)
    case .hour: number(time.hour, width: 2, to: &output)
    case .hour12: number(hour12, to: &output)
    case .zeroHour12: number(hour12, width: 2, to: &output)
    case .minute: number(time.minute, to: &output)
    case .zeroMinute: number(time.minute, width: 2, to: &output)
    case .second: number(time.second, to: &output)
    case .zeroSecond: number(time.second, width: 2, to: &output)
    case .longYear: number(time.year, width: 4, to: &output)
    case .year: number(time.year % 100, width: 2, to: &output)
    case .upperMeridiem: output.append(contentsOf: (time.hour >= 12 ? "PM" : "AM").utf8)
    case .lowerMeridiem: output.append(contentsOf: (time.hour >= 12 ? "pm" : "am").utf8)
    case .zoneName: output.append(contentsOf: time.zoneName.utf8)
    case .offset(let z, let colon, let minutes, let seconds):
      if z, time.zoneOffset == 0 {
        output.append(UInt8(ascii: "Z"))
        return
      }
      output.append(time.zoneOffset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
      let offset = abs(time.zoneOffset)
      number(offset / 3600, width: 2, to: &output)
      if minutes {
        if colon { output.append(UInt8(ascii: ":")) }
        number(offset / 60 % 60, width: 2, to: &output)
      }
      if seconds {
        if colon { output.append(UInt8(ascii: ":")) }
        number(offset % 60, width: 2, to: &output)
      }
    case .fraction(let separator, let digits, let trimmed):
      var text: [UInt8] = []
      number(time.nanosecond, width: 9, to: &text)
      text = digits <= 9 ? Array(text.prefix(digits)) : text
      if trimmed { while text.last == UInt8(ascii: "0") { text.removeLast() } }
      guard !text.isEmpty else { return }
      output.append(contentsOf: separator.utf8)
      output.append(contentsOf: text)
    }
  }

  private static func number(
    _ value: Int, width: Int = 0, pad: UInt8 = UInt8(ascii: "0"), to output: inout [UInt8]
  ) {
    // Nearly all numbers in a log line's time have two digits.
    if width == 2, (0..<100).contains(value) {
      output.append(value < 10 ? pad : UInt8(ascii: "0") + UInt8(value / 10))
      output.append(UInt8(ascii: "0") + UInt8(value % 10))
      return
    }
    let digits = String(max(0, value)).utf8
    for _ in 0..<max(0, width - digits.count) { output.append(pad) }
    output.append(contentsOf: digits)
  }
}
