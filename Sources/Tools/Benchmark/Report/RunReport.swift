// The outcome of measurements, as it is printed and kept.

/// Everything that one call of the command has measured.
package struct BenchmarkReport: Codable, Sendable, Equatable {
  /// The layout of this file.
  package static let currentVersion = 1

  package var version = currentVersion
  package var machine: Machine
  package var runs: [RunReport]

  package init(machine: Machine, runs: [RunReport]) {
    self.machine = machine
    self.runs = runs
  }

  /// Where it was measured.
  package struct Machine: Codable, Sendable, Equatable {
    package var cores: Int

    package init(cores: Int) { self.cores = cores }
  }
}

/// The outcome of one measurement.
package struct RunReport: Codable, Sendable, Equatable {
  package var plan: LoadPlan
  /// The orderer that was measured, and the round if there were several.
  package var orderer: String
  package var round: Int?
  package var channels: Int
  /// From the first envelope to the last answer or block, in seconds.
  package var seconds: Double

  package var sent = 0
  package var acknowledged = 0
  package var delivered = 0
  /// By status.
  package var refused: [String: Int] = [:]
  /// Envelopes whose stream ended without an answer.
  package var unanswered = 0
  /// Acknowledged, and in no block when the run was over.
  package var missing = 0
  package var duplicates = 0
  /// Transactions of others that came meanwhile.
  package var foreign = 0
  package var failures = 0
  package var reasons: [String] = []

  package var acknowledgedPerSecond: Double?
  package var deliveredPerSecond: Double?
  package var blocksPerSecond: Double?
  /// Of all readers together, 10^6 bytes.
  package var readMegabytesPerSecond: Double?
  package var maximumBacklog = 0
  package var acknowledgeLatency: LatencySummary?
  package var deliverLatency: LatencySummary?

  package var server: ProcessFigures?
  package var client: ProcessFigures
  /// Cores that other programs kept busy meanwhile; the orderer's too if its process is not known.
  package var otherCores = 0.0
  /// To write a block's bytes and have them on the disk, in milliseconds.
  package var synchronizeMilliseconds: Double?
  /// What stood in the way of more, in sentences.
  package var limits: [String] = []

  package init(
    plan: LoadPlan, orderer: String, channels: Int, seconds: Double, client: ProcessFigures
  ) {
    self.plan = plan
    self.orderer = orderer
    self.channels = channels
    self.seconds = seconds
    self.client = client
  }

  /// Whether the orderer did all that was asked of it.
  package var isClean: Bool {
    failures == 0 && refused.isEmpty && unanswered == 0 && missing == 0 && duplicates == 0
      && (plan.kind == .catchUp || acknowledged > 0)
  }
}

/// What a process took.
package struct ProcessFigures: Codable, Sendable, Equatable {
  package var cpuSeconds: Double
  /// Cores that it kept busy on average, until everything was answered.
  package var cores: Double
  /// CPU for each acknowledged transaction, in microseconds.
  package var microsecondsPerTransaction: Double?
  /// CPU for 10^9 bytes that were read, in seconds.
  package var secondsPerGigabyte: Double?
  /// MB of 10^6 bytes.
  package var residentMegabytes: Double?
  package var peakMegabytes: Double?

  package init(cpuSeconds: Double, cores: Double) {
    self.cpuSeconds = cpuSeconds
    self.cores = cores
  }
}
