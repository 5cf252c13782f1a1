// The doors of a solo chain: a queue for its one task, and what state it is in.

import Concurrency
import Logging
import Ordering
import Synchronization

/// The chain of one channel on this node only.
///
/// A message that was taken is in this process's memory until its block is written: a crash loses it,
/// as the protocol promises no more; an orderly halt writes it.
package final class SoloChain: Chain {
  /// Messages that wait for the chain's task; submitters wait beyond that. They are acknowledged and in no block
  /// yet, so no more than what the disk takes in some milliseconds.
  static let maximumQueuedMessages = 1_000
  /// Bytes that wait for the chain's task; submitters wait beyond that.
  static let maximumQueuedBytes = 4 << 20
  /// Submitters that wait for room in the queue; further ones are told SERVICE_UNAVAILABLE.
  static let maximumWaitingSubmitters = 10_000

  private enum State {
    /// Made, not started.
    case idle
    /// Ordering.
    case running(Task<Void, Never>)
    /// Told to end. The task, if there was one, still writes what it has.
    case halted(Task<Void, Never>?)
    /// Cannot go on.
    case failed(reason: String)

    /// Starts a task, unless there is or was one.
    mutating func start(_ task: () -> Task<Void, Never>) {
      if case .idle = self { self = .running(task()) }
    }

    /// Takes nothing more.
    ///
    /// - Returns: the task that still has to end.
    mutating func halt() -> Task<Void, Never>? {
      switch self {
      case .idle:
        self = .halted(nil)
        return nil
      case .running(let task):
        self = .halted(task)
        return task
      case .halted(let task): return task
      case .failed: return nil
      }
    }

    /// The task has ended because it could not go on.
    mutating func fail(_ reason: String) { self = .failed(reason: reason) }
  }

  private let support: any ConsenterSupport
  private let time: any TimeSource
  private let logger: Logger
  private let queue = BoundedQueue<OrderedMessage>(
    maximumCount: maximumQueuedMessages, maximumBytes: maximumQueuedBytes,
    maximumWaiting: maximumWaitingSubmitters)
  private let state = Mutex(State.idle)

  init(support: any ConsenterSupport, time: any TimeSource, logger: Logger) {
    self.support = support
    self.time = time
    self.logger = logger
  }

  package func start() {
    state.withLock { state in state.start { Task { await self.run() } } }
  }

  package func order(_ messages: [OrderedMessage]) async -> OrderOutcomes {
    .all(await take(messages))
  }

  package func configure(_ message: OrderedMessage) async -> OrderOutcome {
    await take([message])
  }

  /// The queue takes all of what comes together, or none.
  private func take(_ messages: [OrderedMessage]) async -> OrderOutcome {
    do {
      try await queue.append(messages, bytes: messages.reduce(0) { $0 + $1.envelope.bytes.count })
      return .taken
    } catch {
      switch error {
      case .overloaded: return .refused(.overloaded(channelID: support.channelID))
      case .closed: return .refused(refusal ?? .halted(channelID: support.channelID))
      }
    }
  }

  package func waitReady() async throws(ChainError) {
    if let refusal { throw refusal }
  }

  /// Why the chain takes no messages any more; nil while it does.
  private var refusal: ChainError? {
    switch state.withLock({ $0 }) {
    case .idle, .running: nil
    case .halted: .halted(channelID: support.channelID)
    case .failed(let reason): .failed(channelID: support.channelID, reason: reason)
    }
  }

  package func halt() async {
    let task = state.withLock { $0.halt() }
    queue.close()
    await task?.value
  }

  package func ledgerObstructed(_ reason: String?) { queue.setImpatient(reason != nil) }

  package var participation: ParticipationStatus {
    let status: ParticipationStatus.Status =
      switch state.withLock({ $0 }) {
      case .idle, .running: .active
      case .halted: .inactive
      case .failed: .failed
      }
    return ParticipationStatus(relation: .other, status: status)
  }

  /// Its channel knows of everything that can keep a solo chain from ordering.
  package func healthProblem() async -> String? { nil }
  package var healthComponent: String? { nil }

  /// The chain's one task.
  private func run() async {
    let queue = queue
    var worker = SoloWorker(
      support: support, time: time, logger: logger, wake: { queue.wake() })
    do {
      while case .elements(let messages) = await queue.next() {
        try await worker.take(messages)
      }
      try await worker.end()
    } catch {
      await worker.abandon()
      fail("\(error)")
    }
  }

  private func fail(_ reason: String) {
    state.withLock { $0.fail(reason) }
    queue.close()
    support.fail(reason: reason)
  }
}
