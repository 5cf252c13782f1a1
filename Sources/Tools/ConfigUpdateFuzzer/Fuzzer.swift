// The command line of the fuzzer.

import ArgumentParser
import CaseWatch
import Foundation
import Synchronization

@main
struct Fuzzer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config-update-fuzzer",
    abstract: "Tries random updates of channel configurations",
    discussion: """
      Changes configs in ways that keep their structure, makes updates of them, damages some, signs \
      them with some keys, and lets them be judged. A crash, a hang or a broken rule ends the run and \
      names the episode, which --seed and --episode repeat.
      """)

  @Option(help: "How many cases to try.")
  var cases = 100_000
  @Option(help: "The seed; the same seed gives the same cases.")
  var seed: UInt64 = 1
  @Option(help: "Repeat this episode only.")
  var episode: UInt64?
  @OptionGroup var workers: WorkerOptions
  @Option(help: "The folder Tests/Fixtures of the repository.")
  var fixtures = "Tests/Fixtures"

  func validate() throws {
    guard cases > 0 else { throw ValidationError("cases must be at least 1") }
  }

  func run() async throws {
    let network = try Network(fixtures: fixtures)
    Watch.install(naming: "episode")
    if let episode {
      Watch.note(worker: 0, episode)
      var replay = Episode(network, seed: seed, number: episode)
      say(try replay.run(Episode.length).text)
      return
    }
    let progress = Progress(cases: cases)
    Watch.report({ progress.text }, caseName: { "episode \($0) of seed \(seed)" })
    await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<workers.count {
        group.addTask { try work(worker, network, progress) }
      }
      do {
        try await group.waitForAll()
      } catch {
        // The other workers are in the middle of something; what matters is printed already.
        Foundation.exit(1)
      }
    }
    say(progress.text)
  }

  private func work(_ worker: Int, _ network: Network, _ progress: Progress) throws {
    defer { Watch.note(worker: worker, nil) }
    while let (number, count) = progress.nextEpisode() {
      Watch.note(worker: worker, number)
      var episode = Episode(network, seed: seed, number: number)
      do {
        progress.add(try episode.run(count))
      } catch {
        say("episode \(number) of seed \(seed): \(error)")
        throw ExitCode.failure
      }
    }
  }
}

/// What the workers share: which episode is next, and what came of the others.
final class Progress: Sendable {
  private let cases: Int
  private let next = Atomic<Int>(0)
  private let tally = Mutex(Tally())
  private let begin = ContinuousClock.now

  init(cases: Int) { self.cases = cases }

  /// The next episode and how many cases it is to have; nil at the end.
  func nextEpisode() -> (number: UInt64, count: Int)? {
    let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
    let first = number * Episode.length
    guard first < cases else { return nil }
    return (UInt64(number), min(Episode.length, cases - first))
  }

  func add(_ other: Tally) { tally.withLock { $0 += other } }

  var text: String {
    "\(tally.withLock { $0 }.text), \((ContinuousClock.now - begin).components.seconds) s"
  }
}

extension Tally {
  var text: String {
    "\(cases) cases: \(refused) refused, \(accepted) accepted, \(applied) of these applied"
  }
}
