// Protobuf timestamps as text.

import GoText

/// Timestamps in the form that protobuf's JSON gives them.
enum TimestampText {
  /// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, in seconds since 1970; protobuf has no others.
  static let seconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  private static let wholeSeconds = GoTimeLayout("2006-01-02T15:04:05Z")
  private static let milliseconds = GoTimeLayout("2006-01-02T15:04:05.000Z")
  private static let microseconds = GoTimeLayout("2006-01-02T15:04:05.000000Z")
  private static let nanoseconds = GoTimeLayout("2006-01-02T15:04:05.000000000Z")

  /// E.g. `2024-02-29T08:30:00.500Z`, with 0, 3, 6 or 9 digits after the second.
  static func text(_ time: UnixTime, path: String) throws(ConfigToolsError) -> String {
    guard seconds.contains(time.seconds), (0..<1_000_000_000).contains(time.nanoseconds) else {
      throw ConfigToolsError(
        "\(path): \(time.seconds) seconds and \(time.nanoseconds) nanoseconds are not a time "
          + "between the years 1 and 9999")
    }
    return time.utc(layout(time.nanoseconds))
  }

  /// The shortest layout that shows all of the fraction.
  private static func layout(_ fraction: Int32) -> GoTimeLayout {
    if fraction == 0 { return wholeSeconds }
    if fraction % 1_000_000 == 0 { return milliseconds }
    if fraction % 1_000 == 0 { return microseconds }
    return nanoseconds
  }
}
