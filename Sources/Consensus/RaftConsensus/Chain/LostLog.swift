// Why a node must not take part any more in a group that it belongs to.

import RaftLog

/// What this node promised its group is lost, or not what the group has: with a new log it could break its word, and the
/// group could lose what it agreed on. So it does not vote, nor acknowledge. It writes what others order until it is
/// removed from the channel; added again, it has another id, which has promised nothing.
package struct LostLog: Error, Equatable, CustomStringConvertible {
  package let description: String

  /// - Parameter finding: What is known of the loss.
  init(_ finding: String, channelID: String) {
    description = """
      \(finding). This node takes no part in ordering the channel any more, and follows what others order. Remove this \
      consenter from the channel and add it again: nothing has to be done on this node. If no majority of the others \
      is left, see `orderer raft recover \(channelID)`
      """
  }
}

extension RaftLogError {
  /// Whether it says that something is lost which this node may have promised to keep.
  var isLoss: Bool {
    switch self {
    case .damaged, .incomplete, .logGone: true
    case .storage, .locked, .unordered, .unavailable, .halted, .closed: false
    }
  }
}
