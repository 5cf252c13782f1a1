// The parameters of the protocol that a channel's configuration gives.

import FabricProtos
import GoText

/// The options of a channel, checked (Fabric: `etcdraft.Options`).
package struct RaftOptions: Sendable, Equatable {
  /// Bytes of entries after which a snapshot is taken, unless the configuration says otherwise.
  package static let defaultSnapshotIntervalSize = 16 << 20

  /// The time between two ticks, more than zero.
  package let tickInterval: Duration
  /// Ticks without a leader after which a node campaigns; more than ``heartbeatTicks``.
  package let electionTicks: Int
  /// Ticks between two heartbeats of a leader, at least 1.
  package let heartbeatTicks: Int
  /// Append messages that may be under way to a follower, at least 1.
  package let maximumInflightBlocks: Int
  /// Bytes of applied entries after which a snapshot is taken, at least 1.
  package let snapshotIntervalSize: Int

  /// - Throws: ``InvalidRaftConfig`` with Fabric's words.
  package init(_ options: Etcdraft_Options) throws(InvalidRaftConfig) {
    guard options.heartbeatTick != 0, options.electionTick != 0, options.maxInflightBlocks != 0
    else {
      throw InvalidRaftConfig(
        """
        none of HeartbeatTick (\(options.heartbeatTick)), ElectionTick (\(options.electionTick)) and \
        MaxInflightBlocks (\(options.maxInflightBlocks)) can be zero
        """)
    }
    guard options.electionTick > options.heartbeatTick else {
      throw InvalidRaftConfig(
        """
        ElectionTick (\(options.electionTick)) must be greater than HeartbeatTick \
        (\(options.heartbeatTick))
        """)
    }
    tickInterval = try Self.tickInterval(options.tickInterval)
    electionTicks = Int(options.electionTick)
    heartbeatTicks = Int(options.heartbeatTick)
    maximumInflightBlocks = Int(options.maxInflightBlocks)
    snapshotIntervalSize =
      options.snapshotIntervalSize == 0
      ? Self.defaultSnapshotIntervalSize : Int(options.snapshotIntervalSize)
  }

  private static func tickInterval(_ text: String) throws(InvalidRaftConfig) -> Duration {
    let interval: GoDuration
    do { interval = try GoDuration(text) } catch {
      throw InvalidRaftConfig("failed to parse TickInterval (\(text)) to time duration: \(error)")
    }
    guard interval.nanoseconds != 0 else { throw InvalidRaftConfig("TickInterval cannot be zero") }
    // A Go node accepts such a configuration and panics when it starts the channel.
    guard interval.nanoseconds > 0 else {
      throw InvalidRaftConfig("TickInterval (\(text)) cannot be negative")
    }
    return interval.duration
  }
}

/// What is wrong with the metadata of the consensus type `etcdraft`, in Fabric's words.
package struct InvalidRaftConfig: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}
