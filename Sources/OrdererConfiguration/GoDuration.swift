// Durations the way Go reads and writes them.

/// Go's syntax of durations: `1h30m`, `250ms`, `1.5s` (Go: time.ParseDuration, Duration.String).
enum GoDuration {
  /// The units and their length in nanoseconds.
  private static let units: [String: UInt64] = [
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": 1_000_000_000,
    "m": 60_000_000_000, "h": 3_600_000_000_000,
  ]

  /// Nanoseconds, or nil if the text is no duration or does not fit into 64 bits.
  static func nanoseconds(parsing text: String) -> Int64? {
    var rest = text[...]
    var negative = false
    if let sign = rest.first, sign == "-" || sign == "+" {
      negative = sign == "-"
      rest.removeFirst()
    }
    if rest == "0" { return 0 }
    guard !rest.isEmpty else { return nil }
    var total: UInt64 = 0
    while !rest.isEmpty {
      guard let part = takePart(&rest) else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow, sum <= UInt64(Int64.max) else { return nil }
      total = sum
    }
    return negative ? -Int64(total) : Int64(total)
  }

  /// The duration, or nil if the text is none.
  static func parse(_ text: String) -> Duration? {
    nanoseconds(parsing: text).map { .nanoseconds($0) }
  }

  /// A number with its unit, in nanoseconds.
  private static func takePart(_ rest: inout Substring) -> UInt64? {
    let whole = takeDigits(&rest)
    var fraction = Substring()
    if rest.first == "." {
      rest.removeFirst()
      fraction = takeDigits(&rest)
    }
    guard !(whole.isEmpty && fraction.isEmpty) else { return nil }
    let name = rest.prefix { $0 != "." && !isDigit($0) }
    guard let unit = units[String(name)] else { return nil }
    rest = rest.dropFirst(name.count)
    guard let number = whole.isEmpty ? 0 : UInt64(whole) else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    // Exact in 128 bits; what is smaller than a nanosecond is cut off.
    let digits = fraction.prefix(18)
    let scale = digits.reduce(into: UInt64(1)) { scale, _ in scale *= 10 }
    let wide = (UInt64(digits) ?? 0).multipliedFullWidth(by: unit)
    let extra = scale.dividingFullWidth((wide.high, wide.low)).quotient
    let (sum, carry) = product.addingReportingOverflow(extra)
    return carry ? nil : sum
  }

  private static func takeDigits(_ rest: inout Substring) -> Substring {
    let digits = rest.prefix(while: isDigit)
    rest = rest.dropFirst(digits.count)
    return digits
  }

  private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

  /// The duration as Go prints it: `1h0m0s`, `2.5s`, `250ms`, `0s`.
  static func describe(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    guard !overflow, !carry else { return "\(seconds)s" }
    let magnitude = sum.magnitude
    let sign = sum < 0 ? "-" : ""
    switch magnitude {
    case 0: return "0s"
    case ..<1000: return "\(sign)\(magnitude)ns"
    case ..<1_000_000: return sign + decimal(magnitude, 1000) + "µs"
    case ..<1_000_000_000: return sign + decimal(magnitude, 1_000_000) + "ms"
    default:
      let whole = magnitude / 1_000_000_000
      let (hours, minutes) = (whole / 3600, whole / 60 % 60)
      let remainder = magnitude % 60_000_000_000
      var text = sign
      if hours > 0 { text += "\(hours)h" }
      if hours > 0 || minutes > 0 { text += "\(minutes)m" }
      return text + decimal(remainder, 1_000_000_000) + "s"
    }
  }

  private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
    let fraction = value % unit
    guard fraction > 0 else { return String(value / unit) }
    var digits = String(unit + fraction).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(value / unit).\(digits)"
  }
}
