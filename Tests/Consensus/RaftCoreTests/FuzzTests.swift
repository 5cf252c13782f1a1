// HEDDLE_RAFT_FUZZ sets how many histories are tried, HEDDLE_RAFT_SEED where to begin; a failure tells its seed.

import Foundation
import RaftCore
import Testing

@Suite struct FuzzTests {
  static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap(UInt64.init)
  }

  static let count = number("HEDDLE_RAFT_FUZZ") ?? 1000
  static let first = number("HEDDLE_RAFT_SEED") ?? 1

  /// Whatever comes in, the core neither traps nor forgets what it has promised.
  @Test func anythingMayComeIn() throws {
    var faults = 0
    var committed: UInt64 = 0
    for seed in Self.first..<(Self.first + Self.count) {
      var fuzzer = try CoreFuzzer(seed: seed)
      fuzzer.run(steps: 300)
      if let problem = fuzzer.problem {
        Issue.record("HEDDLE_RAFT_SEED=\(seed): \(problem)")
        return
      }
      if fuzzer.core.fault != nil { faults += 1 }
      committed += fuzzer.core.committed
    }
    // Not all histories end at once.
    #expect(committed > Self.count * 3 && faults < Self.count * 9 / 10)
  }
}
