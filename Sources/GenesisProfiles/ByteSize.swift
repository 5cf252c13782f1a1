// Numbers of configtx.yaml: Go's integer notations and byte sizes such as "10 MB".

/// Parsing of unsigned numbers, with or without a byte unit.
enum ByteSize {
  /// Why a text is no number of the wanted range.
  enum Failure: Error, Equatable {
    case malformed
    case tooLarge
  }

  /// A 32-bit number, optionally with a unit: K, M or G, with or without B, in any case.
  ///
  /// Units are powers of 1024 (Fabric: viperutil's byte size hook).
  static func parse(_ text: String) throws(Failure) -> UInt32 {
    var digits = Substring(text)
    if let last = digits.last, last == "b" || last == "B" { digits = digits.dropLast() }
    var shift: UInt64 = 0
    switch digits.last {
    case "k", "K": shift = 10
    case "m", "M": shift = 20
    case "g", "G": shift = 30
    default: digits = Substring(text)
    }
    if shift > 0 {
      digits = digits.dropLast()
      while let last = digits.last, last.isWhitespace { digits = digits.dropLast() }
      // With a unit only plain digits are allowed, without one also the other notations of Go.
      guard !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) }) else {
        throw .malformed
      }
    }
    let number = try unsigned(String(digits))
    let (size, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow, let result = UInt32(exactly: size) else { throw .tooLarge }
    return result
  }

  /// A 64-bit number in Go's notations: decimal, `0x`, `0o`, `0b`, a leading zero for octal, and
  /// underscores between digits.
  static func unsigned(_ text: String) throws(Failure) -> UInt64 {
    var digits = text.lowercased()
    var radix = 10
    for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)]
    where digits.hasPrefix(prefix) && digits.count > prefix.count {
      digits.removeFirst(prefix.count)
      radix = value
      break
    }
    guard digits.first != "_", digits.last != "_", !digits.contains("__") else { throw .malformed }
    digits.removeAll { $0 == "_" }
    guard !digits.isEmpty,
      digits.allSatisfy({ $0.isASCII && ($0.hexDigitValue ?? 99) < radix })
    else { throw .malformed }
    guard let number = UInt64(digits, radix: radix) else { throw .tooLarge }
    return number
  }
}
