// A log spec that is only remembered.

import Operations
import Synchronization

/// A log spec that is only remembered.
final class TestLogSpec: LogSpecControl {
  struct Invalid: Error, CustomStringConvertible {
    let description: String
  }

  private let value = Mutex("info")
  var spec: String { value.withLock { $0 } }

  func setSpec(_ spec: String) throws {
    guard !spec.contains("nosuch") else {
      throw Invalid(description: "invalid logging specification '\(spec)': bad segment '\(spec)'")
    }
    value.withLock { $0 = spec.isEmpty ? "info" : spec }
  }
}
