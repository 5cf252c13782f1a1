// What a consenter is to the rest of the node: it takes messages of one channel, and has batches of
// them written as blocks in an order that all nodes of the channel share.

import ChannelConfig
import FabricProtos

/// Why a chain does not take messages.
package enum ChainError: Error, CustomStringConvertible, Sendable {
  /// The chain was stopped in an orderly way.
  case halted(channelID: String)
  /// The chain cannot go on; the reason says why and what to do.
  case failed(channelID: String, reason: String)
  /// The chain cannot take messages now, but may later; the reason says why.
  case unavailable(channelID: String, reason: String)
  /// The consenter has no room for more messages now.
  case overloaded(channelID: String)

  package var description: String {
    switch self {
    case .halted(let channelID): "channel \(channelID) is shutting down"
    case .failed(let channelID, let reason): "channel \(channelID) has halted: \(reason)"
    case .unavailable(let channelID, let reason): "channel \(channelID) cannot order now: \(reason)"
    case .overloaded(let channelID):
      "channel \(channelID) has too many messages waiting to be ordered; try again later"
    }
  }
}

/// An ordering protocol, e.g. solo, which makes one ``Chain`` per channel.
package protocol Consenter: Sendable {
  /// Makes the chain of a channel; it does nothing until it is started.
  ///
  /// - Parameter metadata: The consenter metadata of the channel's newest block, empty if there is none.
  func makeChain(support: any ConsenterSupport, metadata: [UInt8]) throws -> any Chain
}

/// The ordering of one channel.
package protocol Chain: AnyObject, Sendable {
  /// Begins to order. Called once.
  func start()

  /// Takes messages, in order. When it returns, they are as durable as the consenter promises.
  ///
  /// - Throws: ``ChainError`` if none of them was taken.
  func order(_ messages: [OrderedMessage]) async throws(ChainError)

  /// Waits until the chain can take messages.
  ///
  /// - Throws: ``ChainError`` if it is in error.
  func waitReady() async throws(ChainError)

  /// Stops ordering and returns when nothing is written any more. Later calls do nothing.
  func halt() async

  /// The ledger does not take blocks (the reason), or does again (nil). A chain that lets submitters
  /// wait for room should send them away meanwhile. Called by the task that writes, and must not wait.
  func ledgerObstructed(_ reason: String?)

  /// What keeps the chain from ordering that its channel does not know of, in words that tell an
  /// operator what to do, e.g. that too few replicas are in sync; nil if all is well.
  ///
  /// Asked when somebody asks for the node's health, possibly by several at the same time. It may take
  /// a moment to find out, but should answer within a few seconds.
  func healthProblem() async -> String?
  /// The name of the component under which ``healthProblem()`` is told; nil for the channel's name.
  var healthComponent: String? { get }
}

extension Chain {
  package func ledgerObstructed(_ reason: String?) {}
  package func healthProblem() async -> String? { nil }
  package var healthComponent: String? { nil }
}

/// What becomes one block.
package struct PendingBlock: Sendable {
  /// The messages, in order.
  package var batch: [OrderedMessage]
  /// What the consenter wants to find in the newest block after a restart.
  package var consenterMetadata: [UInt8]?

  package init(batch: [OrderedMessage], consenterMetadata: [UInt8]? = nil) {
    self.batch = batch
    self.consenterMetadata = consenterMetadata
  }
}

/// What a chain needs of its channel.
package protocol ConsenterSupport: Sendable {
  /// The channel's name.
  var channelID: String { get }
  /// The configuration in force, as one consistent value.
  var bundle: ConfigBundle { get }
  /// Blocks written so far.
  var height: UInt64 { get }
  /// A block that was written.
  func block(_ number: UInt64) throws -> Block
  /// What the channel is measured by; disabled unless the channel says otherwise.
  var metrics: ChannelMetrics { get }

  /// Validates a normal message again, because the configuration has changed since it was accepted.
  func revalidate(normal message: OrderedMessage) throws
  /// Validates a config message again and makes the message that fits the configuration in force.
  func revalidate(config message: OrderedMessage) throws -> OrderedMessage

  /// Writes the next block; it is durable and visible when this returns.
  ///
  /// While the ledger cannot take blocks, e.g. because the disk is full, this keeps trying (see
  /// ``LedgerRetry``). It throws if the ledger never will, and when the channel halts.
  ///
  /// - Parameter consenterMetadata: What the consenter wants to find in the newest block after a restart.
  func write(_ batch: [OrderedMessage], consenterMetadata: [UInt8]?) async throws
  /// Writes the next blocks, which become durable together: one synchronization for all of them.
  ///
  /// For batches that were cut from what arrived together. None of them is visible before all are
  /// durable, so keep them few (see ``GroupCommit``).
  func write(_ blocks: [PendingBlock]) async throws
  /// Puts a config message into a block of its own, which takes effect before this returns.
  func writeConfig(_ message: OrderedMessage, consenterMetadata: [UInt8]?) async throws

  /// Tells the channel that its chain cannot go on: submissions and strict deliveries are refused
  /// with the reason from now on.
  func fail(reason: String)
  /// Tells the channel that its chain is in error for the time being: strict deliveries are refused
  /// with the reason, and waiting ones woken, until ``recover()``.
  func suspend(reason: String)
  /// Tells the channel that its chain works (again).
  func recover()
}

extension ConfigBundle {
  /// The Orderer group, without which nothing can be ordered.
  ///
  /// - Throws: ``BlockWriterError`` if there is none.
  package func requireOrderer() throws -> OrdererGroupConfig {
    guard let orderer else {
      throw BlockWriterError(
        channelID: channelID, reason: "the channel's configuration has no Orderer group")
    }
    return orderer
  }
}

extension ConsenterSupport {
  package var metrics: ChannelMetrics { .disabled }

  package func write(_ blocks: [PendingBlock]) async throws {
    for block in blocks { try await write(block.batch, consenterMetadata: block.consenterMetadata) }
  }
}
