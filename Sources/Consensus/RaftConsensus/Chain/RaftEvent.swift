// What the disk and the ledger tell the task of a Raft chain.

import Concurrency
import FabricProtos
import Ordering
import RaftCore
import Synchronization

/// Something that was done, or went wrong, beside the chain's task.
package enum RaftEvent: Sendable {
  /// These are durable, in this order.
  case persisted([LogWriter.Job])
  /// Entries that were handed to the core's reads.
  case loaded(RaftCore.LogRead, [Entry])
  /// The blocks of the step under way are in the ledger.
  case applied
  /// The log will not take anything more.
  case persistingFailed(any Error)
  /// The ledger will not take anything more.
  case applyingFailed(any Error)
  /// The log does not give what it has.
  case loadingFailed(any Error)
  /// The block that a snapshot stands for, as its entry had it; nil if the ledger does not give it.
  case snapshotRead(Message, [UInt8]?)
  /// Messages were handed on to the leader, or not all of them (the reason).
  case handedOn(Int, ClusterRefusal?)
  /// Blocks that others made are in the ledger.
  case pulled([Block])
  /// All blocks are in the ledger that had to be pulled.
  case caughtUp
  case catchingUpFailed(any Error)
  /// The newest config block that others have.
  case newestConfiguration(Result<Block, any Error>)
}

/// Where events wait for the chain's task. Their number is bounded: one write of the log, one of the ledger, and
/// the core's reads, a snapshot for each member, and one of each of the others are under way at most.
final class RaftEvents: Sendable {
  private let waiting = Mutex<[RaftEvent]>([])
  private let wake: @Sendable () -> Void

  /// - Parameter wake: Makes the chain's task look here.
  init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

  func tell(_ event: RaftEvent) {
    waiting.withLock { $0.append(event) }
    wake()
  }

  /// All that wait, in order.
  func take() -> [RaftEvent] {
    waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
  }
}
