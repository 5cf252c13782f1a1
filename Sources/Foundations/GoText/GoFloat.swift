// Fractional numbers as Go writes them.

/// Text of 64-bit floating-point numbers, in the two forms that metrics have.
package enum GoFloat {
  /// The shortest digits that give the same number again, with an exponent below 1e-4 and from 1e6
  /// on (`strconv.FormatFloat(value, 'g', -1, 64)`): `1e+06`, `0.25`, `+Inf`.
  package static func shortest(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    if value == 0 { return "0" }
    let (digits, point) = decimal(value.magnitude)
    let sign = value < 0 ? "-" : ""
    let exponent = point - 1
    if exponent < -4 || exponent >= 6 {
      let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
      let power = abs(exponent)
      return sign + digits.prefix(1) + fraction + (exponent < 0 ? "e-" : "e+")
        + (power < 10 ? "0" : "") + String(power)
    }
    return sign + plain(digits, point)
  }

  /// Six digits after the point (`%f`). The value is finite; from 1e12 on the digits after the point
  /// are zeros.
  package static func fixed(_ value: Double) -> String {
    let sign = value < 0 ? "-" : ""
    let magnitude = value.magnitude
    guard magnitude.isFinite else { return "0.000000" }
    guard magnitude < 1e12 else {
      let (digits, point) = decimal(magnitude.rounded())
      return sign + plain(digits, point) + ".000000"
    }
    let millionths = UInt64((magnitude * 1e6).rounded(.toNearestOrEven))
    let fraction = String(millionths % 1_000_000)
    return sign + String(millionths / 1_000_000) + "."
      + String(repeating: "0", count: 6 - fraction.count) + fraction
  }

  /// `DIGITS` with the point after the first `point` of them.
  private static func plain(_ digits: String, _ point: Int) -> String {
    if point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
    if digits.count <= point {
      return digits + String(repeating: "0", count: point - digits.count)
    }
    return digits.prefix(point) + "." + digits.dropFirst(point)
  }

  /// A positive, finite number as `0.DIGITS * 10^point` with the fewest digits, which Swift's
  /// description has, too.
  private static func decimal(_ value: Double) -> (digits: String, point: Int) {
    let parts = value.description.split(separator: "e")
    let mantissa = (parts.first ?? "0").split(separator: ".", omittingEmptySubsequences: false)
    let whole = mantissa.first ?? ""
    var digits = whole + (mantissa.count > 1 ? mantissa[1] : "")
    var point = whole.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.last == "0" { digits.removeLast() }
    while digits.first == "0" {
      digits.removeFirst()
      point -= 1
    }
    return (String(digits), point)
  }
}
