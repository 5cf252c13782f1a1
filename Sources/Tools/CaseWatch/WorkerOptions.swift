// How many threads a fuzzer works on.

import ArgumentParser
import Foundation

/// The option `--workers`.
package struct WorkerOptions: ParsableArguments {
  @Option(help: "How many threads to use.")
  var workers = ProcessInfo.processInfo.activeProcessorCount

  package init() {}

  package var count: Int { workers }

  package func validate() throws {
    guard (1...Watch.maximumWorkers).contains(workers) else {
      throw ValidationError("workers must be 1 to \(Watch.maximumWorkers)")
    }
  }
}
