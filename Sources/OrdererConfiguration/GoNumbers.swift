// Whole numbers and byte sizes the way Fabric's configuration reads them.

/// Go's integer literals: decimal, `0x`, `0o` or a leading zero, `0b`, with `_` between digits.
enum GoInteger {
  /// The number, or nil if the text is none or does not fit into 64 bits.
  static func parse(_ text: String) -> Int64? {
    var digits = text[...]
    var sign = ""
    if let first = digits.first, first == "-" || first == "+" {
      sign = first == "-" ? "-" : ""
      digits.removeFirst()
    }
    var radix = 10
    let lower = digits.lowercased()
    if lower.hasPrefix("0x") {
      radix = 16
      digits = digits.dropFirst(2)
    } else if lower.hasPrefix("0o") {
      radix = 8
      digits = digits.dropFirst(2)
    } else if lower.hasPrefix("0b") {
      radix = 2
      digits = digits.dropFirst(2)
    } else if digits.count > 1, digits.first == "0" {
      radix = 8
      digits.removeFirst()
    }
    guard let first = digits.first, first != "-", first != "+" else { return nil }
    return Int64(sign + digits.filter { $0 != "_" }, radix: radix)
  }
}

/// Byte sizes with a unit: `1 MB`, `100k`, `2G` (Fabric: viperutil's byte size hook).
enum ByteSize {
  /// The number of bytes, or nil if the text has no unit or does not fit into 64 bits.
  static func parse(_ text: String) -> UInt64? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty, let number = GoInteger.parse(String(digits)) else { return nil }
    let unit = text.dropFirst(digits.count).drop { $0.isWhitespace }.lowercased()
    let shift: UInt64
    switch unit {
    case "k", "kb": shift = 10
    case "m", "mb": shift = 20
    case "g", "gb": shift = 30
    default: return nil
    }
    let (product, overflow) = UInt64(number).multipliedReportingOverflow(by: 1 << shift)
    return overflow ? nil : product
  }
}
