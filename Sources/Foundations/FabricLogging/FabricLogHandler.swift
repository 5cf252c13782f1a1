// The door between swift-log's loggers and Fabric's logging.

import Logging

/// What a swift-log logger writes to when Fabric's logging is its backend.
package struct FabricLogHandler: LogHandler {
  private let system: FabricLogging
  private let threshold: LoggerThreshold
  private let isAboutClients: Bool
  private var ownLevel: Logger.Level?

  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  init(system: FabricLogging, threshold: LoggerThreshold, isAboutClients: Bool) {
    self.system = system
    self.threshold = threshold
    self.isAboutClients = isAboutClients
  }

  /// The level of the spec, until a level of its own is set on this very logger.
  package var logLevel: Logger.Level {
    get { ownLevel ?? threshold.get().swiftLogThreshold }
    set { ownLevel = newValue }
  }

  package subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let own = event.metadata { fields.merge(own) { $1 } }
    var level = FabricLogLevel(event.level)
    if level == .panic, fields.removeValue(forKey: Self.fatalMark) != nil { level = .fatal }
    system.countChecked(level)
    // swift-log has one level for both PANIC and FATAL, so it cannot tell them apart for us.
    if ownLevel == nil, level < threshold.get() { return }
    if let error = event.error { fields["error"] = .string("\(error)") }
    var message = Self.cut(event.message.description)
    if isAboutClients, level == .warn || level == .error {
      switch system.judgeRepeated(RepeatedLines.Place(file: event.file, line: event.line)) {
      case .leaveOut: return
      case .write(0): break
      case .write(let leftOut): message += " (\(leftOut) more lines like this were left out)"
      }
    }
    system.submit(
      LogRecord(
        time: system.clock.now(), level: level, name: threshold.name, message: message,
        fields: fields.isEmpty ? [] : fields.sorted { $0.key < $1.key }, function: event.function,
        file: event.file, line: event.line))
  }

  /// Bytes of a message that are written.
  static let maximumMessageBytes = 64 * 1024

  private static func cut(_ message: String) -> String {
    let count = message.utf8.count
    guard count > maximumMessageBytes else { return message }
    // A character that is cut in two becomes a replacement character.
    return String(decoding: message.utf8.prefix(maximumMessageBytes), as: UTF8.self)
      + "… (\(count) bytes)"
  }

  /// The metadata key by which `Logger.fatal` marks its entries; it is never written.
  static let fatalMark = "heddle.fatal"
}

extension Logger {
  /// Logs at PANIC: the process, or what it was about to start, cannot go on. Returns when the line
  /// is written; ending the process is up to the caller.
  package func panic(
    _ message: @autoclosure () -> Logger.Message,
    metadata: @autoclosure () -> Logger.Metadata? = nil,
    file: String = #fileID, function: String = #function, line: UInt = #line
  ) {
    log(
      level: .critical, message(), metadata: metadata(), file: file, function: function, line: line)
  }

  /// Logs at FATAL: the process ends because of this. Returns when the line is written; ending the
  /// process is up to the caller.
  package func fatal(
    _ message: @autoclosure () -> Logger.Message,
    metadata: @autoclosure () -> Logger.Metadata? = nil,
    file: String = #fileID, function: String = #function, line: UInt = #line
  ) {
    var marked = metadata() ?? [:]
    marked[FabricLogHandler.fatalMark] = .string("")
    log(level: .critical, message(), metadata: marked, file: file, function: function, line: line)
  }
}
