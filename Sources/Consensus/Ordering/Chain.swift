// The ordering of one channel, as the rest of the node sees it.

/// Takes the messages of one channel, and has batches of them written as blocks in an order that all
/// nodes of the channel share.
package protocol Chain: AnyObject, Sendable {
  /// Begins to order. Called once.
  func start()

  /// Takes normal messages, in order. The messages that it takes are as durable as the consenter
  /// promises when this returns; whether it takes one does not depend on whether it takes another.
  func order(_ messages: [OrderedMessage]) async -> OrderOutcomes

  /// Takes a message that changes the channel's configuration, or creates a channel.
  func configure(_ message: OrderedMessage) async -> OrderOutcome

  /// Waits until the chain can take messages.
  ///
  /// - Throws: ``ChainError`` if it is in error.
  func waitReady() async throws(ChainError)

  /// Stops ordering and returns when nothing is written any more. Later calls only wait for that.
  func halt() async

  /// The ledger does not take blocks (the reason), or does again (nil). A chain that lets submitters
  /// wait for room should send them away meanwhile. Called by the task that writes, and must not wait.
  func ledgerObstructed(_ reason: String?)

  /// What this node is to the channel, and how it is doing.
  var participation: ParticipationStatus { get }

  /// What keeps the chain from ordering and its channel does not know of, e.g. that too few
  /// replicas are in sync, in words that tell an operator what to do; nil if all is well.
  ///
  /// Called when somebody asks for the node's health, possibly several times at once. It may take a
  /// moment, but should answer within a few seconds.
  func healthProblem() async -> String?

  /// The name of the component under which ``healthProblem()`` is told; nil for the channel's name.
  var healthComponent: String? { get }
}
