// Which options a channel may have, and the words for those that it may not.

import FabricProtos
import Testing

@testable import RaftConsensus

@Suite struct RaftOptionsTests {
  private func options(
    _ edit: (inout Etcdraft_Options) -> Void = { _ in }
  ) throws -> RaftOptions {
    let config = try raftConfig([1]) { edit(&$0.options) }
    return try RaftConfig(config).options
  }

  private func refusal(_ edit: (inout Etcdraft_Options) -> Void) -> String {
    do {
      return "accepted: \(try options(edit))"
    } catch { return "\(error)" }
  }

  @Test func valuesAreThoseOfTheConfiguration() throws {
    let options = try options()
    #expect(options.tickInterval == .milliseconds(500))
    #expect(options.electionTicks == 10)
    #expect(options.heartbeatTicks == 1)
    #expect(options.maximumInflightBlocks == 5)
    #expect(options.snapshotIntervalSize == 16 << 20)
  }

  @Test func aSnapshotIntervalOfZeroIsTheDefault() throws {
    #expect(try options { $0.snapshotIntervalSize = 0 }.snapshotIntervalSize == 16 << 20)
    #expect(try options { $0.snapshotIntervalSize = 1 }.snapshotIntervalSize == 1)
  }

  @Test func theLargestNumbersFit() throws {
    let options = try options {
      $0.electionTick = .max
      $0.heartbeatTick = .max - 1
      $0.maxInflightBlocks = .max
      $0.snapshotIntervalSize = .max
    }
    #expect(options.electionTicks == Int(UInt32.max))
  }

  @Test func whatCannotBeUsedIsRefusedInFabricsWords() {
    let zero = "none of HeartbeatTick (0), ElectionTick (10) and MaxInflightBlocks (5) can be zero"
    #expect(refusal { $0.heartbeatTick = 0 } == zero)
    #expect(
      refusal { $0.electionTick = 0 }
        == "none of HeartbeatTick (1), ElectionTick (0) and MaxInflightBlocks (5) can be zero")
    #expect(
      refusal { $0.maxInflightBlocks = 0 }
        == "none of HeartbeatTick (1), ElectionTick (10) and MaxInflightBlocks (0) can be zero")
    #expect(
      refusal { $0.heartbeatTick = 10 }
        == "ElectionTick (10) must be greater than HeartbeatTick (10)")
    #expect(
      refusal { $0.tickInterval = "often" }
        == "failed to parse TickInterval (often) to time duration: time: invalid duration \"often\""
    )
    #expect(refusal { $0.tickInterval = "0s" } == "TickInterval cannot be zero")
    #expect(refusal { $0.tickInterval = "-1s" } == "TickInterval (-1s) cannot be negative")
  }

  @Test func aConfigurationWithoutOptionsHasNone() throws {
    let config = RaftConfig(try raftConfig([1]) { $0.clearOptions() })
    #expect(throws: InvalidRaftConfig("nil Raft config metadata options")) {
      try config.options
    }
    #expect(throws: InvalidRaftConfig.self) { try RaftConfig(serialized: [0xFF]) }
  }
}
