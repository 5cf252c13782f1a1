// Names that Prometheus and statsd accept.

import MetricDescriptions

/// Names of metrics and labels, made valid if they are not.
enum MetricName {
  /// Bytes of a name; longer ones are cut.
  static let maximumBytes = 200

  /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; other characters become `_`.
  static func metric(_ name: String) -> String { valid(name, allowsColon: true) }

  /// `[a-zA-Z_][a-zA-Z0-9_]*`; other characters become `_`. `le` belongs to histograms' buckets.
  static func label(_ name: String) -> String {
    let name = valid(name, allowsColon: false)
    return name == "le" ? "exported_le" : name
  }

  private static func valid(_ name: String, allowsColon: Bool) -> String {
    var bytes: [UInt8] = []
    for byte in name.utf8.prefix(maximumBytes) {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_"):
        bytes.append(byte)
      case UInt8(ascii: ":") where allowsColon: bytes.append(byte)
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
        bytes.append(byte)
      default: bytes.append(UInt8(ascii: "_"))
      }
    }
    return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
  }
}

/// A statsd name in which the values of labels have their places (Fabric: metrics/internal/namer).
struct StatsdName: Sendable {
  private enum Part {
    case text(String)
    /// A place in the series' key.
    case label(Int)
  }

  private let parts: [Part]

  /// nil for metrics that are not sent to statsd.
  ///
  /// - Parameter sortedLabels: the order of a series' label values.
  init?(_ description: MetricDescription, sortedLabels: [String]) {
    guard let format = description.statsdFormat else { return nil }
    var parts: [Part] = []
    var rest = format[...]
    while let opening = rest.firstRange(of: "%{"),
      let closing = rest[opening.upperBound...].firstIndex(of: "}")
    {
      parts.append(.text(String(rest[..<opening.lowerBound])))
      let label = String(rest[opening.upperBound..<closing])
      parts.append(sortedLabels.firstIndex(of: label).map(Part.label) ?? .text("unknown"))
      rest = rest[rest.index(after: closing)...]
    }
    parts.append(.text(String(rest)))
    self.parts = parts
  }

  /// Appends the name of a series.
  func write(_ key: SeriesKey, to bytes: inout [UInt8]) {
    for part in parts {
      switch part {
      case .text(let text): bytes.append(contentsOf: text.utf8)
      case .label(let index):
        guard index < key.values.count else { continue }
        for byte in key.values[index].utf8 {
          bytes.append(Self.isSpecial(byte) ? underscore : byte)
        }
      }
    }
  }

  private var underscore: UInt8 { UInt8(ascii: "_") }

  /// What would end the name, or a part of it: `.`, `|`, `:` and white space.
  private static func isSpecial(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "."), UInt8(ascii: "|"), UInt8(ascii: ":"), UInt8(ascii: " "): true
    case 0x09...0x0D: true
    default: false
    }
  }
}
