// The measurements of one call of the command, one after the other.

import Concurrency
import Foundation

/// Measures orderers that run, and orderers that it starts.
package struct BenchmarkSession: Sendable {
  /// An orderer to be started.
  package struct Contender: Sendable {
    /// For people, in tables.
    package let name: String
    package let executable: String

    package init(name: String, executable: String) {
      self.name = name
      self.executable = executable
    }

    /// Names of executables: the last two parts of their paths, which tell builds apart, or as many more as that takes.
    package static func names(of paths: [String]) -> [String] {
      let parts = paths.map { $0.split(separator: "/") }
      func names(_ count: Int) -> [String] {
        parts.map { $0.suffix(count).joined(separator: "/") }
      }
      let shortest = 2
      for count in shortest...max(shortest, parts.map(\.count).max() ?? 0) {
        let names = names(count)
        if Set(names).count == names.count { return names }
      }
      // An executable against itself shows how much figures differ by chance.
      return names(shortest).enumerated().map { "\($1) (\($0 + 1))" }
    }
  }

  /// What was measured.
  package struct Outcome: Sendable {
    /// All runs, in the order in which they took place.
    package let report: BenchmarkReport
    /// Those of each orderer, by its position among those that were to be measured.
    package let runsOfEach: [[RunReport]]
  }

  private let plans: [LoadPlan]
  private let transport: BenchmarkTransport
  private let time: any TimeSource
  private let now: @Sendable () -> Date
  private let cores: Int
  private let progress: BenchmarkProgress

  /// - Parameters:
  ///   - plans: What to measure on each orderer, in this order.
  ///   - now: The time of day.
  package init(
    plans: [LoadPlan], transport: BenchmarkTransport, time: any TimeSource,
    now: @escaping @Sendable () -> Date, progress: BenchmarkProgress
  ) {
    self.plans = plans
    self.transport = transport
    self.time = time
    self.now = now
    self.progress = progress
    cores = ProcessInfo.processInfo.activeProcessorCount
  }

  /// Measures an orderer that runs already.
  package func measure(_ target: BenchmarkTarget) async throws -> Outcome {
    let runs = try await runs(on: target)
    return Outcome(report: report(runs), runsOfEach: [runs])
  }

  /// Starts orderers in turn, each on an empty folder, and measures each.
  ///
  /// - Parameters:
  ///   - rounds: How often each has its turn.
  ///   - parent: Where their folders are made.
  package func measure(
    _ contenders: [Contender], settings: NodeSettings, rounds: Int, parent: String
  ) async throws -> Outcome {
    var runs: [RunReport] = []
    var runsOfEach = contenders.map { _ in [RunReport]() }
    for round in 1...max(1, rounds) {
      for (position, contender) in contenders.enumerated() {
        for var run in try await self.runs(on: contender, settings, parent) {
          run.round = rounds > 1 ? round : nil
          runs.append(run)
          runsOfEach[position].append(run)
        }
      }
    }
    return Outcome(report: report(runs), runsOfEach: runsOfEach)
  }

  private func runs(
    on contender: Contender, _ settings: NodeSettings, _ parent: String
  ) async throws -> [RunReport] {
    progress.set(.starting(contender.name))
    let orderer = try await StartedOrderer.start(
      name: contender.name, executable: contender.executable, settings: settings, parent: parent,
      now: now(), time: time, dialer: transport.dialer)
    let result: Result<[RunReport], any Error>
    do { result = .success(try await runs(on: orderer.target)) } catch { result = .failure(error) }
    // That the node has died explains all else, so it is told first.
    try await orderer.stop()
    return try result.get()
  }

  private func runs(on target: BenchmarkTarget) async throws -> [RunReport] {
    let dialer = try transport.dialer(target.tls)
    var runs: [RunReport] = []
    for plan in plans {
      runs.append(
        try await Measurement(
          plan: plan, target: target, dialer: dialer, time: time, now: now(), cores: cores,
          progress: progress
        ).run())
    }
    return runs
  }

  private func report(_ runs: [RunReport]) -> BenchmarkReport {
    BenchmarkReport(machine: BenchmarkReport.Machine(cores: cores), runs: runs)
  }
}
