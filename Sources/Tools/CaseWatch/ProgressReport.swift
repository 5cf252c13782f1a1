// What a fuzzer tells while it works.

import Foundation

/// Prints a line at once, also into a file.
@Sendable package func say(_ text: String) {
  FileHandle.standardOutput.write(Data("\(text)\n".utf8))
}

extension Watch {
  /// Seconds between two reports of progress.
  private static let reportInterval = 30

  /// Reports progress now and then, and ends the run if a case does not end. Has a thread of its own, since the
  /// workers occupy all those that tasks run on.
  ///
  /// - Parameter caseName: What a case is called in the message that it does not end.
  package static func report(
    _ progress: @escaping @Sendable () -> String,
    caseName: @escaping @Sendable (UInt64) -> String
  ) {
    Thread.detachNewThread {
      var seconds = 0
      while true {
        Thread.sleep(forTimeInterval: 1)
        seconds += 1
        if seconds % reportInterval == 0 { say(progress()) }
        if let hanging = hanging().first {
          say("\(caseName(hanging)) takes longer than \(limit) s")
          Foundation.exit(1)
        }
      }
    }
  }
}
