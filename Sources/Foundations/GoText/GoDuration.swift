// Durations in the text form of the Go implementation, such as "300ms" or "1m30s".

/// A duration as Go's `time.Duration`: nanoseconds in 64 bits, about ±292 years.
package struct GoDuration: Hashable, Sendable, CustomStringConvertible {
  /// Why a text is no duration.
  package struct ParseError: Error, Equatable, CustomStringConvertible {
    /// The reason, worded as Go's.
    package let description: String
  }

  /// The length in nanoseconds.
  package let nanoseconds: Int64

  /// A duration of that many nanoseconds.
  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The nearest such duration: what is shorter than a nanosecond is cut off, and what is beyond the
  /// range becomes the end of the range.
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
    let invalid = ParseError(description: "time: invalid duration \"\(text)\"")
    // Go shows a limit of 2⁶³; as there, the negative one is representable.
    let limit = UInt64(1) << 63
    var rest = Array(text.utf8)[...]
    var negative = false
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      negative = sign == UInt8(ascii: "-")
      rest = rest.dropFirst()
    }
    if rest.elementsEqual([UInt8(ascii: "0")]) {
      nanoseconds = 0
      return
    }
    guard !rest.isEmpty else { throw invalid }

    var total: UInt64 = 0
    while let first = rest.first {
      guard first == UInt8(ascii: ".") || Self.isDigit(first) else { throw invalid }
      let before = rest.count
      var value: UInt64 = 0
      while let digit = rest.first, Self.isDigit(digit) {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
        guard !overflow, !carry, sum <= limit else { throw invalid }
        value = sum
        rest = rest.dropFirst()
      }
      var hasDigits = rest.count != before

      var fraction: UInt64 = 0
      var scale = 1.0
      if rest.first == UInt8(ascii: ".") {
        rest = rest.dropFirst()
        let beforeFraction = rest.count
        Self.readFraction(&rest, &fraction, &scale)
        hasDigits = hasDigits || rest.count != beforeFraction
      }
      guard hasDigits else { throw invalid }

      let name = rest.prefix { $0 != UInt8(ascii: ".") && !Self.isDigit($0) }
      rest = rest.dropFirst(name.count)
      let unitName = String(decoding: name, as: UTF8.self)
      guard !name.isEmpty else {
        throw ParseError(description: "time: missing unit in duration \"\(text)\"")
      }
      guard let unit = Self.unit(unitName) else {
        throw ParseError(
          description: "time: unknown unit \"\(unitName)\" in duration \"\(text)\"")
      }
      guard value <= limit / unit else { throw invalid }
      value *= unit
      if fraction > 0 {
        value += UInt64(Double(fraction) * (Double(unit) / scale))
        guard value <= limit else { throw invalid }
      }
      let (sum, overflow) = total.addingReportingOverflow(value)
      guard !overflow, sum <= limit else { throw invalid }
      total = sum
    }
    if negative {
      nanoseconds = total == limit ? Int64.min : -Int64(total)
    } else {
      guard total < limit else { throw invalid }
      nanoseconds = Int64(total)
    }
  }

  /// Reads the digits of a fraction; those beyond the precision of 63 bits are skipped.
  private static func readFraction(
    _ rest: inout ArraySlice<UInt8>, _ fraction: inout UInt64, _ scale: inout Double
  ) {
    var full = false
    while let digit = rest.first, isDigit(digit) {
      rest = rest.dropFirst()
      if full { continue }
      let (product, overflow) = fraction.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      if overflow || carry || sum > UInt64(Int64.max) {
        full = true
        continue
      }
      fraction = sum
      scale *= 10
    }
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

  /// `value / unit` with as many decimals as are not zero; `unit` is a power of ten.
  private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
    let whole = String(value / unit)
    var fraction = String(value % unit + unit).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? whole : whole + "." + fraction
  }
}
