// What other nodes have sent, until the chain's task takes it.

import RaftCore
import Synchronization

/// Messages of other nodes on their way to the core. A full inbox drops what comes: Raft copes with that.
final class RaftInbox: Sendable {
  static let maximumCount = 4_096
  static let maximumBytes = 64 << 20

  struct Received: Sendable {
    let message: Message
    /// The consenters that the sender believes to be alive, if it says so.
    let activeNodes: [NodeID]?
    let sender: NodeID
    let size: Int
  }

  /// All that came since the last look.
  struct Contents: Sendable {
    fileprivate(set) var messages: [Received] = []
    fileprivate(set) var bytes = 0
    /// Members to which a stream was lost.
    fileprivate(set) var lost: Set<NodeID> = []
    /// A younger id than this node's, to which somebody has sent.
    fileprivate(set) var youngerID: NodeID?
  }

  private let contents = Mutex(Contents())
  private let wake: @Sendable () -> Void

  /// - Parameter wake: Makes the chain's task look here.
  init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

  /// - Returns: False if there is no room.
  func put(_ received: Received) -> Bool {
    let isTaken = contents.withLock { contents in
      guard contents.messages.count < Self.maximumCount, contents.bytes < Self.maximumBytes else {
        return false
      }
      contents.messages.append(received)
      contents.bytes += received.size
      return true
    }
    wake()
    return isTaken
  }

  func lostContact(with member: NodeID) {
    contents.withLock { _ = $0.lost.insert(member) }
    wake()
  }

  /// A message came for a node that has another id than this one, and a younger one.
  func isAddressed(as id: NodeID) {
    contents.withLock { $0.youngerID = id }
    wake()
  }

  func take() -> Contents {
    contents.withLock { contents in
      defer { contents = Contents() }
      return contents
    }
  }
}
