// Byte sizes as Fabric's configuration files have them.

/// Byte sizes with a unit of 1024: `1 MB`, `100k`, `2G` (Fabric: viperutil's byte size hook).
package enum ByteSize {
  /// The number of bytes; nil if the text is not a number with a unit.
  ///
  /// - Throws: `tooLarge` if it does not fit into 64 bits, `malformed` if it has no Go number.
  package static func parse(_ text: String) throws(GoInteger.Failure) -> UInt64? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { return nil }
    let shift: UInt64
    switch text.dropFirst(digits.count).drop(while: \.isWhitespace).lowercased() {
    case "k", "kb": shift = 10
    case "m", "mb": shift = 20
    case "g", "gb": shift = 30
    default: return nil
    }
    let number = try GoInteger.unsigned(String(digits))
    let (product, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { throw .tooLarge }
    return product
  }
}
