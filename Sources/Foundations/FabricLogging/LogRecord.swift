// One log entry on its way from the call to the writer.

import GoText
import Logging

/// Everything about one log call that a line may show. Rendering happens on the writer's thread.
struct LogRecord: Sendable {
  /// Wall-clock time of the call.
  var time: UnixTime
  var level: FabricLogLevel
  /// The logger's name.
  var name: String
  var message: String
  /// The fields of the logger and of the call, in the order in which they are written.
  var fields: [(key: String, value: Logger.MetadataValue)]
  /// As `#function` gives it.
  var function: String
  /// As `#fileID` gives it.
  var file: String
  var line: UInt

  /// A rough size in bytes, for the bound of the queue: the message dominates.
  var estimatedSize: Int { 256 + message.utf8.count + fields.count * 64 }

  /// The name of the calling function without its parameters.
  var shortFunction: Substring {
    if function.isEmpty { return "(unknown)" }
    return function.prefix { $0 != "(" }
  }
}
