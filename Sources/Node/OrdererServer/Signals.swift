// The signals that concern a running node, as operators know them.

import UnixSignals

enum NodeSignal {
  /// Number and name, in the words of the Go runtime, which log scrapers know.
  static func describe(_ signal: UnixSignal) -> String {
    switch signal {
    case .sigterm: "15 (terminated)"
    case .sigint: "2 (interrupt)"
    case .sighup: "1 (hangup)"
    case .sigusr1: "10 (user defined signal 1)"
    default: "\(signal)"
    }
  }
}
