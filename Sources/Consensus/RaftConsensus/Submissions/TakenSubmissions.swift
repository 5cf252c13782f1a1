// What a leader has taken from other nodes, so that it takes nothing twice.

import Ordering
import RaftCore

/// The newest message of each node that a leader has taken in its term.
///
/// A node hands on its messages in order and without a gap, and after a broken connection begins again with the oldest
/// that it still keeps: so what is not newer was taken before.
///
/// A value without clock or I/O; as large as the group.
struct TakenSubmissions: Sendable {
  private struct Newest {
    let life: UInt64
    let number: UInt64
  }

  private var newest: [NodeID: Newest] = [:]

  /// Whether a message has not come before; it counts as taken then.
  ///
  /// - Parameters:
  ///   - origin: Nil from nodes that do not say: they do not hand on anything twice, or nobody can tell.
  ///   - term: In which this node leads.
  mutating func take(_ origin: SubmissionOrigin?, from sender: NodeID, term: Term) -> Bool {
    guard let origin else { return true }
    // It was for an earlier office of this node. What became of that is settled first, then it comes again.
    guard origin.term == term else { return false }
    if let known = newest[sender], known.life == origin.life, origin.number <= known.number {
      return false
    }
    newest[sender] = Newest(life: origin.life, number: origin.number)
    return true
  }
}
