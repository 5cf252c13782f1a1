// `orderer benchmark`: measures an orderer, this one or another.

import ArgumentParser
import Benchmark
import Concurrency
import Foundation
import LedgerTools
import UnixSignals

/// `orderer benchmark`.
package struct BenchmarkCommand: AsyncParsableCommand, DescribedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure what an orderer can do", helpNames: [])

  /// The exit status for a command line that makes no sense.
  package static let usageStatus: Int32 = 2

  package static let help = """
    usage: orderer benchmark [LOAD] [NODE]
           orderer benchmark [LOAD] --against PATH [--rounds N] [NODE]
           orderer benchmark [LOAD] --address HOST:PORT --channel ID --msp-id ID --msp FOLDER [...]
           orderer benchmark --compare A.json B.json

    Measures an orderer: this one, another executable, or one that runs. Without arguments it starts a
    node of its own in a temporary folder, and says within a minute what it can do on this machine and
    what limits it. Nothing is measured but what clients see; CPU and memory are those of the processes.

    Ends with status 1 if envelopes were refused, lost or doubled or the orderer failed, with status 2 if
    the arguments make no sense.

    Load:
      --seconds N         How long to send; 8 by default.
      --messages N        Send so many envelopes instead, however long that takes.
      --size N            Bytes of an envelope; 2048 by default.
      --streams N         Broadcast streams; 16 by default.
      --connections N     Connections that the streams share; 4 by default.
      --one-per-stream    A stream for each envelope, as Fabric's gateway does it. Then --streams says how
                          many are open at a time.
      --window N          Envelopes of a stream that may wait for their answers; 64 by default.
      --rate N            Envelopes per second of all streams together. By default as many as there can be.
      --readers N         Deliver readers of each channel; 1 by default.
      --catch-up          Send nothing; the readers read the channels from their beginning.
      --warm-up N         Envelopes that go ahead of the measurement; 2000 by default.

    Nodes that are started for the measurement:
      --executable PATH   The orderer to start, such as Go's; this one by default.
      --against PATH      Another one, which gets the same load in turn; prints ratios of the first to it.
      --rounds N          How often each has its turn; 1 by default.
      --consensus TYPE    solo (the default), etcdraft (one node, with TLS) or kafka.
      --brokers LIST      Kafka's brokers, HOST:PORT with commas between.
      --channels N        How many channels; 1 by default.
      --block-messages N  Transactions of a block; 500 by default.
      --block-timeout T   How long a block waits to be filled; 2s by default.
      --folder FOLDER     Where the nodes' folders are made, on the disk to be measured; by default the
                          one for temporary files.
      --tls, --mutual-tls TLS between client and node.

    An orderer that runs:
      --address HOST:PORT Repeat it for several orderers of the same channels.
      --channel ID        Repeat it for several channels; they must exist.
      --msp-id ID         The MSP of the client.
      --msp FOLDER        Its MSP folder, with signcerts and keystore; or --cert FILE and --key FILE.
      --tls-ca FILE       PEM certificates to trust the orderer by; turns TLS on.
      --tls-cert FILE, --tls-key FILE
                          What the client shows to an orderer with mutual TLS.
      --pid N             The orderer's process on this machine, for its CPU and memory.

    Flags:
      --help              Show help.
      --json FILE         Also write the figures to a file; "-" for standard output.
      --compare A B       Print the ratios of the figures of two such files, A to B.

    """

  package init() {}

  @OptionGroup var load: BenchmarkLoadOptions
  @OptionGroup var running: BenchmarkTargetOptions
  @OptionGroup var started: BenchmarkNodeOptions

  @Option var json: String?
  @Option(parsing: .upToNextOption) var compare: [String] = []

  package func validate() throws {
    guard compare.isEmpty || compare.count == 2 else {
      throw ValidationError("--compare needs two files")
    }
    if let problem = load.problem { throw ValidationError(problem) }
    try running.check()
    try started.check()
    if !running.address.isEmpty, let option = started.givenOption {
      throw ValidationError("\(option) is for orderers that are started here, not for --address")
    }
    if running.address.isEmpty, running.isGiven {
      throw ValidationError("options about a running orderer need --address")
    }
  }

  package func run() async throws {
    try await carryOut("benchmark") {
      if compare.count == 2 { return try compareFiles() }
      let outcome = try await Interruption.heeding { try await measure() }
      if let json { try writeResult(try outcome.report.json(), to: json) }
      try print(outcome)
      guard outcome.report.runs.allSatisfy(\.isClean) else { throw ExitCode.failure }
    }
  }

  private func measure() async throws -> BenchmarkSession.Outcome {
    let transport = BenchmarkTransport()
    let progress = BenchmarkProgress()
    let session = BenchmarkSession(
      plans: load.plans, transport: transport, time: .system, now: { Date() }, progress: progress)
    let result: Result<BenchmarkSession.Outcome, any Error>
    do {
      result = .success(
        try await ProgressWatch.showing(progress) { [running, started] in
          guard running.address.isEmpty else {
            return try await session.measure(try running.target())
          }
          return try await session.measure(
            try started.contenders(), settings: started.settings, rounds: started.rounds,
            parent: started.parent)
        })
    } catch { result = .failure(error) }
    await transport.shutDown()
    return try result.get()
  }

  private func print(_ outcome: BenchmarkSession.Outcome) throws {
    guard started.against != nil else {
      return try LedgerOptions.print(ReportText.report(outcome.report))
    }
    let (ours, theirs) = (outcome.runsOfEach[0], outcome.runsOfEach[1])
    let comparison = try Comparison(ours, theirs, names: (ours[0].orderer, theirs[0].orderer))
    try LedgerOptions.print(comparison.text)
    let problems = ReportText.problems(outcome.report)
    if !problems.isEmpty { try LedgerOptions.print(problems) }
  }

  private func compareFiles() throws {
    let reports = try compare.map { try BenchmarkReport(contentsOf: $0) }
    let comparison = try Comparison(
      reports[0].runs, reports[1].runs, names: (compare[0], compare[1]))
    try LedgerOptions.print(comparison.text)
  }
}

/// Ends what goes on in an orderly way when the terminal or an operator says so.
enum Interruption {
  /// Runs `body`; on SIGINT or SIGTERM its task is cancelled, and this waits for it to end.
  static func heeding<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        for await _ in signals { return nil }
        try await Task.sleep(for: .seconds(1 << 30))
        return nil
      }
      defer { group.cancelAll() }
      guard let value = try await group.next() ?? nil else {
        throw BenchmarkError("interrupted")
      }
      return value
    }
  }
}

/// Shows on a terminal how far a measurement is.
enum ProgressWatch {
  private static let interval = Duration.milliseconds(250)

  /// Runs `body`; without a terminal nothing watches.
  static func showing<Value: Sendable>(
    _ progress: BenchmarkProgress, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard isatty(STDERR_FILENO) == 1 else { return try await body() }
    let watch = Task {
      while !Task.isCancelled {
        // Each step has a bar of its own, so that the time left is that of the step.
        let label = progress.step.label
        var bar = ProgressBar(label: label, time: .system)
        while !Task.isCancelled, progress.step.label == label {
          let step = progress.step
          bar.update(done: step.done, total: step.total, detail: step.detail)
          try? await Task.sleep(for: interval)
        }
        bar.finish()
      }
    }
    let result: Result<Value, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    watch.cancel()
    await watch.value
    return try result.get()
  }
}
