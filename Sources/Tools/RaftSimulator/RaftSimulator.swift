// The command line of the simulator.

import ArgumentParser
import CaseWatch
import Foundation
import RaftSimulation
import Synchronization

@main
struct RaftSimulator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "raft-simulator",
    abstract: "Drives groups of Raft cores through random troubles",
    discussion: """
      Each seed is one schedule: a group of nodes with model disks and a model network, crashes, cuts, slow and \
      failing disks, changes of membership, and at the end a time without faults. A broken promise, a crash or a \
      hang ends the run and names the seed, which --seed and --print show event by event.
      """)

  @Option(help: "How many schedules to go through.")
  var schedules = 100_000
  @Option(help: "The first schedule's seed; the others follow it.")
  var seed: UInt64 = 1
  @Flag(help: "Go through one schedule only, and print a line for each event.")
  var print = false
  @OptionGroup var workers: WorkerOptions

  func validate() throws {
    guard schedules > 0 else { throw ValidationError("schedules must be at least 1") }
  }

  func run() async throws {
    Watch.install(naming: "seed")
    if print {
      Watch.note(worker: 0, seed)
      let outcome = Simulation(seed: seed, print: say).run()
      if outcome.problem != nil { throw ExitCode.failure }
      return
    }
    let progress = Progress(first: seed, count: schedules)
    Watch.report({ progress.text }, caseName: { "seed \($0)" })
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<workers.count { group.addTask { work(worker, progress) } }
    }
    say(progress.text)
    if progress.hasFailed { throw ExitCode.failure }
  }

  private func work(_ worker: Int, _ progress: Progress) {
    defer { Watch.note(worker: worker, nil) }
    while let seed = progress.nextSeed() {
      Watch.note(worker: worker, seed)
      let outcome = Simulation(seed: seed).run()
      if let problem = outcome.problem { say("seed \(seed): \(problem)") }
      progress.add(outcome)
    }
  }
}

/// What the workers share: which schedule is next, and what came of the others.
final class Progress: Sendable {
  private struct Sum {
    var schedules = 0
    var events = 0
    var committed = 0
    var elections = 0
    var crashes = 0
    var changes = 0
    var snapshots = 0
    var problems = 0
  }

  private let first: UInt64
  private let count: Int
  private let next = Atomic<Int>(0)
  private let sum = Mutex(Sum())
  private let begin = ContinuousClock.now

  init(first: UInt64, count: Int) {
    self.first = first
    self.count = count
  }

  /// Nil at the end, and after a problem.
  func nextSeed() -> UInt64? {
    guard !hasFailed else { return nil }
    let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
    return number < count ? first &+ UInt64(number) : nil
  }

  var hasFailed: Bool { sum.withLock { $0.problems > 0 } }

  func add(_ outcome: Simulation.Outcome) {
    sum.withLock { sum in
      sum.schedules += 1
      sum.events += outcome.events
      sum.committed += outcome.committed
      sum.elections += outcome.elections
      sum.crashes += outcome.crashes
      sum.changes += outcome.changes
      sum.snapshots += outcome.snapshots
      if outcome.problem != nil { sum.problems += 1 }
    }
  }

  var text: String {
    let sum = sum.withLock { $0 }
    return """
      \(sum.schedules) schedules: \(sum.events) events, \(sum.committed) entries committed, \
      \(sum.elections) elections, \(sum.crashes) crashes, \(sum.changes) membership changes applied, \
      \(sum.snapshots) snapshots; \(sum.problems) with a problem, \
      \((ContinuousClock.now - begin).components.seconds) s
      """
  }
}
