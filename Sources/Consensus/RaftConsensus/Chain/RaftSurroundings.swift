// What the core of a chain asks of the world, and what it may know of it.

import Concurrency
import FabricProtos
import Logging
import Ordering
import RaftCore

/// The world around a ``RaftWorker``: disks, ledger, other nodes and a clock. ``RaftShell`` has real ones, the simulator
/// has models of them.
///
/// Nothing here waits. What a request ends in is told by a ``RaftEvent``, which goes into a later turn.
package protocol RaftSurroundings: AnyObject {
  var channelID: String { get }
  /// As of the start.
  var options: RaftOptions { get }
  var tickInterval: Duration { get }
  /// After how long without a leader this node asks whether it still is a consenter; nil for Go's default.
  var evictionSuspicion: Duration? { get }
  var time: any TimeSource { get }
  var logger: Logger { get }
  var metrics: RaftChainMetrics { get }
  var channelMetrics: ChannelMetrics { get }

  // MARK: What the rest of the node wants

  /// Whether the chain is to end, once it has written what it has taken.
  var isHalted: Bool { get }
  /// Whether another node should lead, since this one is about to stop.
  var givesWay: Bool { get }
  /// Why the log does not take entries; nil while it does.
  var obstruction: String? { get }

  // MARK: What the rest of the node is told

  /// Whether messages are taken, and by whom.
  func take(_ standing: ChainState.Standing)
  /// Nobody leads, of so many consenters.
  func lostLeader(consenters: Int)
  /// Somebody leads.
  func hasLeader()
  /// Who the consenters are by the newest block.
  func note(_ metadata: RaftBlockMetadata)
  /// Which consenters are alive; nil if that is not known.
  ///
  /// - Returns: Whether these are others than before.
  func note(active: Set<NodeID>?, of members: MembershipState) -> Bool
  /// Whether the leader has told who is alive.
  var knowsWhoIsAlive: Bool { get }
  /// This node orders the channel no longer: whoever owns the chain halts it soon.
  func cease(_ reason: String)
  func log(_ event: RaftCore.Event, of id: NodeID)

  // MARK: Clock

  /// Ticks come from now on, or none do.
  func tick(_ runs: Bool)
  /// Starts the batch timer, in place of a running one.
  func startBatchTimer(_ id: BatchTimer.ID, for timeout: Duration)
  func stopBatchTimer()

  // MARK: Ledger

  /// What the configuration in force says.
  var configuration: ChainConfiguration { get throws(ChannelFault) }
  /// Blocks of the ledger.
  var height: UInt64 { get }
  /// Tells the hashes of blocks of the ledger as of now.
  var knownHash: EntryApplier.KnownHash { get }
  /// A block of the ledger.
  func block(_ number: UInt64) throws -> Block
  /// As `ConsenterSupport/upToDate(_:logger:)`.
  func upToDate(_ message: OrderedMessage) throws(ChannelFault) -> OrderedMessage?
  /// Seals blocks and writes them: ``RaftEvent/applied`` or ``RaftEvent/applyingFailed(_:)``.
  func append(_ blocks: [MadeBlock])
  /// Reads the block that a snapshot in a message stands for: ``RaftEvent/snapshotRead(_:_:)``.
  func readSnapshot(_ number: UInt64, for message: Message)

  // MARK: Log

  /// Makes jobs durable: ``RaftEvent/persisted(_:)`` or ``RaftEvent/persistingFailed(_:)``.
  func write(_ jobs: [LogWriter.Job])
  /// Reads entries: ``RaftEvent/loaded(_:_:)`` or ``RaftEvent/loadingFailed(_:)``.
  func load(_ read: RaftCore.LogRead)

  // MARK: Other nodes

  func connect(to neighbours: Neighbours)
  func disconnect()
  /// Sends a message, with what comes beside it.
  ///
  /// - Returns: False if it was dropped.
  func send(_ message: Message, metadata: [UInt8]) -> Bool
  /// Hands messages of clients on to the leader: ``RaftEvent/handedOn(_:_:)`` with this number.
  func submit(_ messages: [OrderedMessage], to leader: NodeID, number: Int)
  /// Pulls blocks that others made, and writes them: any number of ``RaftEvent/pulled(_:)``, then
  /// ``RaftEvent/caughtUp`` or ``RaftEvent/catchingUpFailed(_:)``.
  func pull(through last: UInt64)
  /// Asks others for their newest config block: ``RaftEvent/newestConfiguration(_:)``.
  func askForNewestConfiguration()
  func stopAsking()
  /// Tells the core itself, in a later turn.
  func tell(_ event: RaftEvent)
}

/// What a chain needs to know of the configuration in force.
package struct ChainConfiguration: Sendable {
  package let rules: BatchRules
  package let consensusType: String
  package let consensusMetadata: [UInt8]

  package init(rules: BatchRules, consensusType: String, consensusMetadata: [UInt8]) {
    self.rules = rules
    self.consensusType = consensusType
    self.consensusMetadata = consensusMetadata
  }
}

/// What has come since the last turn.
package struct RaftArrivals: Sendable {
  package var events: [RaftEvent] = []
  package var inbox = RaftInbox.Contents()
  package var isTickDue = false
  /// The batch timer that has expired.
  package var expired: BatchTimer.ID?
  /// Whether no more submissions will come.
  package var isDrained = false

  package init() {}
}
