// A channel, as its chain sees it.

import ChannelConfig
import FabricProtos

/// What a chain needs of its channel.
///
/// The methods that write are for the chain's one task: the next call must not begin before the last one
/// has returned.
package protocol ConsenterSupport: Sendable {
  /// The channel's name.
  var channelID: String { get }
  /// The configuration in force, as one consistent value.
  var bundle: ConfigBundle { get }
  /// Blocks written so far.
  var height: UInt64 { get }
  /// A block that was written.
  func block(_ number: UInt64) throws -> Block
  /// The channel's metrics.
  var metrics: ChannelMetrics { get }

  /// Validates a normal message again, because the configuration has changed since it was accepted.
  func revalidate(normal message: OrderedMessage) throws
  /// Validates a config message again and makes the message that fits the configuration in force.
  func revalidate(config message: OrderedMessage) throws -> OrderedMessage

  /// Makes blocks of batches and writes them. They become durable together, by one synchronization, and
  /// are visible when this returns, none before all are durable: so keep them few (``GroupCommit``).
  ///
  /// While the ledger cannot take blocks, e.g. because the disk is full, this keeps trying (see
  /// ``LedgerRetry``). It throws if the ledger never will, and when the channel halts.
  func write(_ blocks: [PendingBlock]) async throws

  /// Puts a config message into a block of its own, which takes effect before this returns.
  ///
  /// - Parameter consenterMetadata: As ``PendingBlock/consenterMetadata``.
  func writeConfig(_ message: OrderedMessage, consenterMetadata: [UInt8]) async throws

  /// Seals the next blocks, whose header and data the channel's nodes have agreed on, with this node's
  /// signature, and commits them: header and data stay as they are. They are durable and visible when
  /// this returns, and those that hold a configuration have taken effect. Normal blocks become durable
  /// together: so keep them few, as for ``write(_:)``, which also tells about full disks.
  ///
  /// Numbers and links are checked here.
  func append(made blocks: [MadeBlock]) async throws

  /// Tells the channel that its chain cannot go on: submissions and strict deliveries are refused
  /// with the reason from now on.
  func fail(reason: String)
  /// Tells the channel that its chain is in error for the time being: strict deliveries are refused
  /// with the reason, and waiting ones woken, until ``recover()``.
  func suspend(reason: String)
  /// Tells the channel that its chain works (again).
  func recover()

  /// Tells the channel that this node does not order it any more: the configuration names it no longer. The channel
  /// halts the chain soon, and follows what others order. Called by the chain's task, and does not wait.
  func ceaseOrdering(reason: String)
}
