// A message on its way into the chain's task.

import Ordering
import RaftCore

/// Who answers for a message.
package enum Submission: Sendable {
  /// A client handed it to this node, which keeps it until it is in a block.
  case own(OrderedMessage)
  /// Another node handed it on, and keeps it.
  case foreign(OrderedMessage, from: NodeID)
}
