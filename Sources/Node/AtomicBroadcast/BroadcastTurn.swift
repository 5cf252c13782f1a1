// The messages that arrived together on a Broadcast stream, and how far they have come.

import FabricProtos
import Ordering

import struct NIOCore.ByteBuffer

/// One turn of a Broadcast stream: what is answered so far, and what waits to be ordered.
///
/// Messages are answered in the order in which they came, so a refusal must not overtake those that wait:
/// they are ordered first. Once a turn has ended nothing more is taken.
struct BroadcastTurn<Channel: AnyObject> {
  /// Validated messages of one channel that its chain has not got yet.
  struct Batch {
    let channel: Channel
    /// The channel that the messages name, which is not ``channel`` if they create it.
    let channelID: String
    fileprivate(set) var messages: [OrderedMessage]
  }

  enum State: Equatable {
    /// Messages are taken.
    case open
    /// The last response is a refusal, after which the stream ends.
    case refused
    /// A message was not an envelope; the stream breaks after the responses.
    case broken
  }

  private(set) var state = State.open
  /// The answers so far, in order.
  private(set) var responses: [ByteBuffer] = []
  private(set) var batch: Batch?

  var isOpen: Bool { state == .open }

  /// Whether a message must wait for the batch to be ordered before it can be added.
  func mustOrder(before channel: Channel) -> Bool {
    guard let batch else { return false }
    return batch.channel !== channel
  }

  /// Adds a validated message to the batch.
  mutating func add(_ message: OrderedMessage, naming channelID: String, for channel: Channel) {
    guard isOpen else { return }
    if batch == nil {
      batch = Batch(channel: channel, channelID: channelID, messages: [message])
    } else {
      batch?.messages.append(message)
    }
  }

  /// Hands out the batch, to be ordered; nil if no message waits.
  mutating func takeBatch() -> Batch? {
    defer { batch = nil }
    return batch
  }

  /// The chain took this many messages.
  mutating func accept(_ count: Int) {
    guard isOpen else { return }
    for _ in 0..<count { responses.append(Responses.broadcastSuccess) }
  }

  /// A message is refused, which ends the turn.
  mutating func refuse(_ status: Common_Status, _ reason: String) {
    guard isOpen else { return }
    responses.append(Responses.broadcast(status, info: reason))
    state = .refused
  }

  /// A message is not an envelope, which ends the turn.
  mutating func breakOff() {
    if isOpen { state = .broken }
  }

  /// Begins the next turn: lets go of all that is not needed while the stream waits for messages.
  mutating func next() {
    guard isOpen else { return }
    responses = []
  }
}
