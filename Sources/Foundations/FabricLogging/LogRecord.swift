// One log entry on its way from the call to the writer.

import Foundation
import Logging

/// Everything about one log call that a line may show. Rendering happens on the writer's thread.
struct LogRecord: Sendable {
  /// Wall-clock time of the call.
  var seconds: Int64
  var nanoseconds: Int32
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

  /// The time now, in seconds and nanoseconds since 1970.
  static func now() -> (seconds: Int64, nanoseconds: Int32) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return (Int64(time.tv_sec), Int32(truncatingIfNeeded: time.tv_nsec))
  }
}
