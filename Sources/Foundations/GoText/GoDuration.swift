// Durations in the text form of the Go implementation, such as "300ms" or "1m30s".

/// A duration as Go's `time.Duration`: nanoseconds in 64 bits, about ±292 years.
package struct GoDuration: Hashable, Sendable, CustomStringConvertible {
  /// Why a text is not a duration.
  package struct ParseError: Error, Equatable, CustomStringConvertible {
    /// The reason, worded as Go's.
    package let description: String

    fileprivate static func invalid(_ text: String) -> ParseError {
      ParseError(description: "time: invalid duration \"\(text)\"")
    }
  }

  /// The length in nanoseconds.
  package let nanoseconds: Int64

  /// A duration of that many nanoseconds.
  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The nearest such duration: fractions of a nanosecond are cut off, and a duration beyond the range
  /// becomes the end of the range.
  package init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    nanoseconds = overflow || carry ? (seconds < 0 ? .min : .max) : sum
  }

  /// The same length as Swift's own type.
  package var duration: Duration { .nanoseconds(nanoseconds) }

  /// Parses a text: an optional sign and one or more decimal numbers, each with an optional
  /// fraction and a unit of "ns", "us" (or "µs"), "ms", "s", "m" or "h"; or just "0".
  /// Go: `time.ParseDuration`.
  ///
  /// - Throws: ``ParseError`` for anything else and for what does not fit.
  package init(_ text: String) throws(ParseError) {
    var rest = Array(text.utf8)[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
    if rest.elementsEqual([UInt8(ascii: "0")]) {
      nanoseconds = 0
      return
    }
    guard !rest.isEmpty else { throw .invalid(text) }
    var total: UInt64 = 0
    while !rest.isEmpty {
      let (sum, overflow) = total.addingReportingOverflow(try Self.part(&rest, of: text))
      guard !overflow, sum <= Self.limit else { throw .invalid(text) }
      total = sum
    }
    // The magnitude of the lowest number is one more than that of the highest.
    guard isNegative || total < Self.limit else { throw .invalid(text) }
    nanoseconds = isNegative ? Int64(truncatingIfNeeded: 0 &- total) : Int64(total)
  }

  /// The magnitude of the longest duration below zero.
  private static let limit = UInt64(1) << 63

  /// Reads a number with its unit, in nanoseconds.
  private static func part(
    _ rest: inout ArraySlice<UInt8>, of text: String
  ) throws(ParseError) -> UInt64 {
    let start = rest.startIndex
    guard let whole = readWhole(&rest) else { throw .invalid(text) }
    var digits = rest.startIndex - start
    var (fraction, scale): (UInt64, Double) = (0, 1)
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      let start = rest.startIndex
      readFraction(&rest, &fraction, &scale)
      digits += rest.startIndex - start
    }
    guard digits > 0 else { throw .invalid(text) }
    let unit = try readUnit(&rest, of: text)
    guard whole <= limit / unit else { throw .invalid(text) }
    // Not more than the limit and one unit, so this fits.
    return whole * unit + UInt64(Double(fraction) * (Double(unit) / scale))
  }

  /// Reads the digits before the point, which may be none; nil if they are too many.
  private static func readWhole(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    while let digit = rest.first, isDigit(digit) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      guard !overflow, !carry, sum <= limit else { return nil }
      value = sum
      rest.removeFirst()
    }
    return value
  }

  /// Reads the digits of a fraction; those beyond the precision of 63 bits are skipped.
  private static func readFraction(
    _ rest: inout ArraySlice<UInt8>, _ fraction: inout UInt64, _ scale: inout Double
  ) {
    var isFull = false
    while let digit = rest.first, isDigit(digit) {
      rest.removeFirst()
      if isFull { continue }
      let (product, overflow) = fraction.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      if overflow || carry || sum > UInt64(Int64.max) {
        isFull = true
        continue
      }
      fraction = sum
      scale *= 10
    }
  }

  /// Reads a unit; the result is its length in nanoseconds.
  private static func readUnit(
    _ rest: inout ArraySlice<UInt8>, of text: String
  ) throws(ParseError) -> UInt64 {
    let letters = rest.prefix { $0 != UInt8(ascii: ".") && !isDigit($0) }
    rest.removeFirst(letters.count)
    let name = String(decoding: letters, as: UTF8.self)
    guard !name.isEmpty else {
      throw ParseError(description: "time: missing unit in duration \"\(text)\"")
    }
    guard let unit = unit(name) else {
      throw ParseError(description: "time: unknown unit \"\(name)\" in duration \"\(text)\"")
    }
    return unit
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func unit(_ name: String) -> UInt64? {
    switch name {
    case "ns": 1
    // The micro sign and the Greek letter mu both count.
    case "us", "\u{B5}s", "\u{3BC}s": 1_000
    case "ms": 1_000_000
    case "s": 1_000_000_000
    case "m": 60_000_000_000
    case "h": 3_600_000_000_000
    default: nil
    }
  }

  /// The text form, as Go prints it: "1m30s", "1.5s", "300ms", "0s".
  package var description: String {
    if nanoseconds == 0 { return "0s" }
    let sign = nanoseconds < 0 ? "-" : ""
    let magnitude = nanoseconds.magnitude
    if magnitude < 1_000 { return "\(sign)\(magnitude)ns" }
    if magnitude < 1_000_000 { return sign + Self.decimal(magnitude, 1_000) + "µs" }
    if magnitude < 1_000_000_000 { return sign + Self.decimal(magnitude, 1_000_000) + "ms" }
    let minutes = magnitude / 60_000_000_000
    let seconds = Self.decimal(magnitude % 60_000_000_000, 1_000_000_000) + "s"
    if minutes == 0 { return sign + seconds }
    if minutes < 60 { return "\(sign)\(minutes)m\(seconds)" }
    return "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)"
  }

  /// `value / unit` in decimals without trailing zeros; `unit` is a power of ten.
  private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
    let whole = String(value / unit)
    var fraction = String(value % unit + unit).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? whole : whole + "." + fraction
  }
}
