// What other nodes have sent, until the chain's task takes it.

import RaftCore
import Synchronization

/// Messages of other nodes on their way to the core. A full inbox drops what comes: Raft copes with that.
package final class RaftInbox: Sendable {
  static let maximumCount = 4_096
  static let maximumBytes = 64 << 20

  package struct Received: Sendable {
    package let message: Message
    /// The consenters that the sender believes to be alive, if it says so.
    package let activeNodes: [NodeID]?
    package let sender: NodeID
    let size: Int

    package init(message: Message, activeNodes: [NodeID]?, sender: NodeID, size: Int) {
      self.message = message
      self.activeNodes = activeNodes
      self.sender = sender
      self.size = size
    }
  }

  /// Whom a message is for. Ids are given in order and never twice.
  package enum Addressee: Sendable {
    case this
    /// What this node was before.
    case former
    /// What this node may be by now: it was removed and added again.
    case later

    package init(of message: Message, at id: NodeID) {
      self = message.to == id ? .this : message.to < id ? .former : .later
    }
  }

  /// All that came since the last look.
  package struct Contents: Sendable {
    package var messages: [Received] = []
    fileprivate(set) var bytes = 0
    /// Members to which a stream was lost.
    package var lost: Set<NodeID> = []
    /// Those among them to which clients' messages may have been lost.
    package var lostSubmissions: Set<NodeID> = []
    /// A younger id than this node's, to which somebody has sent.
    package var youngerID: NodeID?

    package init() {}
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

  func lostSubmissions(to member: NodeID) {
    contents.withLock { _ = $0.lostSubmissions.insert(member) }
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
