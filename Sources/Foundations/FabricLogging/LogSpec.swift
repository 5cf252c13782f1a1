// The logging specification: the level from which each logger writes.

/// Why a text is not a logging specification. The message names the whole spec and the bad part.
package enum LogSpecError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A segment is neither a level nor `logger[,logger…]=level`, or it names an unknown level.
  case badSegment(spec: String, segment: String)
  /// A segment begins with `=`.
  case noLogger(spec: String, segment: String)
  /// A logger's name contains characters that no logger's name has.
  case badLoggerName(spec: String, name: String)
  /// The spec is longer than `LogSpec.maximumLength` bytes.
  case tooLong(bytes: Int)

  package var description: String {
    switch self {
    case .badSegment(let spec, let segment):
      "invalid logging specification '\(spec)': bad segment '\(segment)'"
    case .noLogger(let spec, let segment):
      "invalid logging specification '\(spec)': no logger specified in segment '\(segment)'"
    case .badLoggerName(let spec, let name):
      "invalid logging specification '\(spec)': bad logger name '\(name)'"
    case .tooLong(let bytes):
      "invalid logging specification: \(bytes) bytes are more than the \(LogSpec.maximumLength)"
        + " that are allowed"
    }
  }
}

/// A parsed logging specification, an immutable value (Fabric: flogging/loggerlevels).
///
/// The form is `[<logger>[,<logger>…]=]<level>[:[<logger>[,<logger>…]=]<level>…]`. A level without
/// a logger is the default; a logger covers everything below it in the dotted hierarchy, unless its
/// name ends in a period, which means this very logger only.
package struct LogSpec: Sendable, Hashable, CustomStringConvertible {
  /// The longest specification that is accepted, in bytes. Specs also arrive over HTTP.
  package static let maximumLength = 16 * 1024

  /// The level of every logger that no other part of the spec covers.
  package let defaultLevel: FabricLogLevel
  private let levels: [String: FabricLogLevel]

  /// The spec that writes everything from INFO on.
  package static let info = LogSpec(defaultLevel: .info, levels: [:])

  private init(defaultLevel: FabricLogLevel, levels: [String: FabricLogLevel]) {
    self.defaultLevel = defaultLevel
    self.levels = levels
  }

  /// Parses a specification. Empty segments mean `info`, later segments overrule earlier ones.
  package init(_ spec: String) throws(LogSpecError) {
    let length = spec.utf8.count
    guard length <= Self.maximumLength else { throw .tooLong(bytes: length) }
    var defaultLevel = FabricLogLevel.info
    var levels: [String: FabricLogLevel] = [:]
    for segment in spec.split(separator: ":", omittingEmptySubsequences: false) {
      let parts = segment.split(separator: "=", omittingEmptySubsequences: false)
      switch parts.count {
      case 1:
        if segment.isEmpty {
          defaultLevel = .info
        } else if let level = FabricLogLevel(name: segment) {
          defaultLevel = level
        } else {
          throw .badSegment(spec: spec, segment: String(segment))
        }
      case 2:
        guard !parts[0].isEmpty else { throw .noLogger(spec: spec, segment: String(segment)) }
        guard let level = FabricLogLevel(name: parts[1]) else {
          throw .badSegment(spec: spec, segment: String(segment))
        }
        for name in parts[0].split(separator: ",", omittingEmptySubsequences: false) {
          guard Self.isLoggerName(name.hasSuffix(".") ? name.dropLast() : name) else {
            throw .badLoggerName(spec: spec, name: String(name))
          }
          levels[String(name)] = level
        }
      default:
        throw .badSegment(spec: spec, segment: String(segment))
      }
    }
    self.init(defaultLevel: defaultLevel, levels: levels)
  }

  /// The threshold of the logger called `name`: the spec's entry for exactly this logger, else that
  /// of its nearest ancestor, else the default.
  package func level(of name: String) -> FabricLogLevel {
    if levels.isEmpty { return defaultLevel }
    if let exact = levels[name + "."] { return exact }
    var candidate = Substring(name)
    while true {
      if let level = levels[String(candidate)] { return level }
      guard let dot = candidate.lastIndex(of: "."), dot > candidate.startIndex else {
        return defaultLevel
      }
      candidate = candidate[..<dot]
    }
  }

  /// The specification in normal form: loggers in alphabetical order, then the default level.
  package var description: String {
    let entries = levels.map { "\($0.key)=\($0.value.name)" }.sorted()
    return (entries + [defaultLevel.name]).joined(separator: ":")
  }

  /// Whether `name` consists of non-empty, dot-separated parts of letters, digits and `_#:-`.
  static func isLoggerName(_ name: some StringProtocol) -> Bool {
    var partIsEmpty = true
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "."):
        if partIsEmpty { return false }
        partIsEmpty = true
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "#"),
        UInt8(ascii: ":"), UInt8(ascii: "-"):
        partIsEmpty = false
      default:
        return false
      }
    }
    return !partIsEmpty
  }
}
