// Where finished log lines go.

import Foundation
import Storage
import Synchronization

/// A destination of log lines. Only the writer's thread calls it, with whole lines.
package protocol LogSink: Sendable {
  /// Takes lines in UTF-8, each ended by a newline. May block; must not log.
  func write(_ lines: [UInt8])
}

/// Writes to a file descriptor and keeps trying while the reader is slow.
package struct FileDescriptorSink: LogSink {
  private let descriptor: Int32

  /// A sink for an open descriptor, which stays the caller's to close.
  package init(descriptor: Int32) { self.descriptor = descriptor }

  /// The process's standard error, where Fabric logs.
  package static let standardError = FileDescriptorSink(descriptor: STDERR_FILENO)

  package func write(_ lines: [UInt8]) {
    // Where it fails nobody reads any more, and there is nowhere left to complain.
    _ = StandardStreams.write(lines, to: descriptor)
  }
}

/// Collects lines in memory, for tests.
package final class MemorySink: LogSink {
  private let bytes = Mutex<[UInt8]>([])

  /// An empty sink.
  package init() {}

  package func write(_ lines: [UInt8]) { bytes.withLock { $0.append(contentsOf: lines) } }

  /// Everything written so far.
  package var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

  /// The lines written so far, without their newlines.
  package var lines: [String] { text.split(separator: "\n").map(String.init) }
}
