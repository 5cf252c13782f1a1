// Random histories of several nodes on one topic.
//
// HEDDLE_KAFKA_SCHEDULES sets how many are tried, HEDDLE_KAFKA_SEED where to begin; a failure tells
// its seed.

import Foundation
import TestSupport
import Testing

@testable import KafkaConsensus

@Suite(.heavy) struct SimulationTests {
  static let count = number("HEDDLE_KAFKA_SCHEDULES") ?? 2_000
  static let first = UInt64(number("HEDDLE_KAFKA_SEED") ?? 1)

  static func number(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init)
  }

  @Test(arguments: [
    Simulation.Options(),
    Simulation.Options(nodes: 2, steps: 120),
    Simulation.Options(kills: false, sizes: false, oldOrderers: false),
    Simulation.Options(nodes: 4, kills: false),
    Simulation.Options(nodes: 2, steps: 200, sizes: false),
    Simulation.Options(kills: false, sizes: false, oldOrderers: false, disagreement: true),
    Simulation.Options(steps: 120, oldOrderers: false, disagreement: true),
  ])
  func allNodesWriteTheSameBlocks(_ options: Simulation.Options) async {
    let share = max(1, Self.count / 7)
    var blocks = 0
    var found = 0
    for seed in Self.first..<(Self.first + UInt64(share)) {
      var simulation = Simulation(seed: seed, options)
      simulation.run()
      if let problem = simulation.problem {
        Issue.record("HEDDLE_KAFKA_SEED=\(seed), \(options): \(problem)")
        return
      }
      blocks += simulation.counts.blocks
      found += simulation.counts.found
    }
    #expect(blocks > 0 && found > 0)
  }
}

extension Simulation.Options: CustomStringConvertible {
  var description: String {
    "\(nodes) nodes, \(steps) steps\(kills ? ", kills" : "")\(sizes ? ", sizes" : "")"
      + (disagreement ? ", disagreement" : "")
  }
}
