// Gives memory back to the system while the node works, and all that it can do without once it rests.

import BlockLedger
import Concurrency
import Foundation

/// What a node does about its memory from time to time.
struct MemoryKeeper {
  /// What is given back at the end of an interval.
  enum Step: Equatable {
    case nothing
    /// Free memory.
    case free
    /// Also memory that is only kept so that it need not be asked for again.
    case spare
  }

  /// Decides by the time that the process has run on processors: what has done nothing has freed nothing.
  struct Rule {
    /// How often it is asked.
    static let interval = Duration.seconds(5)
    /// A node that has run less than this in an interval rests.
    static let restingTime = Duration.milliseconds(250)
    /// A busy node gives back memory each time it has run as long; that costs it less than a hundredth.
    static let busyTime = Duration.seconds(2)
    /// What a resting node has run at least since it gave back memory: it is not woken for nothing.
    static let leastTime = Duration.milliseconds(100)

    private var atLastStep = Duration.zero
    private var atLastAsking = Duration.zero
    private var hasSpare = true

    /// - Parameter processorTime: Of the process so far, on all processors.
    mutating func next(processorTime: Duration) -> Step {
      let isResting = processorTime - atLastAsking < Self.restingTime
      atLastAsking = processorTime
      let sinceLastStep = processorTime - atLastStep
      if isResting, hasSpare || sinceLastStep >= Self.leastTime {
        atLastStep = processorTime
        hasSpare = false
        return .spare
      }
      guard sinceLastStep >= Self.busyTime else {
        if !isResting { hasSpare = true }
        return .nothing
      }
      atLastStep = processorTime
      hasSpare = true
      return .free
    }
  }

  let ledgers: any LedgerFactory
  let time: any TimeSource

  /// Begins after the start of the node, and works until its task is cancelled.
  func run() async {
    var rule = Rule()
    ProgramPages.letGo()
    while (try? await time.sleep(for: Rule.interval)) != nil {
      switch rule.next(processorTime: Self.processorTime) {
      case .nothing: break
      case .free: Allocator.trim()
      case .spare:
        ledgers.releaseSpareMemory()
        Allocator.trim()
        ProgramPages.letGo()
      }
    }
  }

  private static var processorTime: Duration {
    var spent = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent)
    return .seconds(spent.tv_sec) + .nanoseconds(spent.tv_nsec)
  }
}
