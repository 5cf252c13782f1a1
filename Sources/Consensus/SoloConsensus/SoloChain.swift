// The shell around the solo core: a queue, a task and a timer for each channel.

import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Ordering
import Synchronization

/// Makes the chains of channels whose consensus type is "solo".
package struct SoloConsenter: Consenter {
  /// The consensus type in a channel's configuration.
  package static let type = "solo"

  private let logger: Logger

  package init(logger: Logger) {
    self.logger = logger
  }

  package func makeChain(support: any ConsenterSupport, metadata: [UInt8]) -> any Chain {
    SoloChain(support: support, logger: logger)
  }
}

/// The chain of one channel on this node only.
///
/// A message that was taken is in this process's memory until its block is written: a crash loses it,
/// as the protocol promises no more; an orderly halt writes it.
package final class SoloChain: Chain {
  /// Messages that wait for the chain's task; submitters wait beyond that.
  static let maximumQueuedMessages = 5_000
  /// Bytes that wait for the chain's task; submitters wait beyond that.
  static let maximumQueuedBytes = 64 << 20
  /// Submitters that wait for room in the queue; further ones are told SERVICE_UNAVAILABLE.
  static let maximumWaitingSubmitters = 10_000

  private enum State {
    /// Made, not started.
    case idle
    /// Ordering.
    case running(Task<Void, Never>)
    /// Halted or failed. Final.
    case ended
  }

  private let support: any ConsenterSupport
  private let logger: Logger
  private let queue = BoundedQueue<OrderedMessage>(
    maximumCount: maximumQueuedMessages, maximumBytes: maximumQueuedBytes,
    maximumWaiting: maximumWaitingSubmitters)
  private let state = Mutex(State.idle)
  private let failure = Mutex<String?>(nil)
  private let expiredTimer = Mutex<BatchTimer.ID?>(nil)

  init(support: any ConsenterSupport, logger: Logger) {
    self.support = support
    self.logger = logger
  }

  package func start() {
    state.withLock { state in
      guard case .idle = state else { return }
      state = .running(Task { await self.run() })
    }
  }

  package func order(_ messages: [OrderedMessage]) async throws(ChainError) {
    do {
      try await queue.append(messages, bytes: messages.reduce(0) { $0 + $1.envelope.bytes.count })
    } catch {
      switch error {
      case .overloaded: throw .overloaded(channelID: support.channelID)
      case .closed: throw ended()
      }
    }
  }

  package func waitReady() async throws(ChainError) {
    if case .ended = state.withLock({ $0 }) { throw ended() }
  }

  package func halt() async {
    let task: Task<Void, Never>? = state.withLock { state in
      defer { state = .ended }
      if case .running(let task) = state { return task }
      return nil
    }
    queue.close()
    await task?.value
  }

  package func ledgerObstructed(_ reason: String?) { queue.setImpatient(reason != nil) }

  private func ended() -> ChainError {
    if let reason = failure.withLock({ $0 }) {
      return .failed(channelID: support.channelID, reason: reason)
    }
    return .halted(channelID: support.channelID)
  }

  /// The chain's one task: takes what waits, orders it, and writes what is cut.
  private func run() async {
    var work = Work(fill: BatchFillMeter(support.metrics))
    defer { work.timer?.cancel() }
    do {
      while case .elements(let messages) = await queue.next() {
        if let id = expiredTimer.withLock({ $0.take() }) {
          try await carryOut(work.core.expired(id), &work)
        }
        for message in messages {
          // What becomes of a config message, and what comes behind one, depends on the blocks before.
          if message.isConfig { try await write(&work.waiting) }
          guard let current = upToDate(message) else { continue }
          try await carryOut(work.core.ordered(current, limits: limits()), &work)
        }
        try await write(&work.waiting)
      }
      try await carryOut(work.core.halted(), &work)
      try await write(&work.waiting)
    } catch {
      fail("\(error)")
    }
  }

  private func fail(_ reason: String) {
    failure.withLock { $0 = reason }
    state.withLock { $0 = .ended }
    queue.close()
    support.fail(reason: reason)
  }

  private func limits() throws -> BatchLimits {
    BatchLimits(try support.bundle.requireOrderer().batchSize)
  }

  /// The message as the configuration in force wants it; nil if it does not allow it any more.
  private func upToDate(_ message: OrderedMessage) -> OrderedMessage? {
    guard message.configSequence < support.bundle.sequence else { return message }
    do {
      if message.isConfig { return try support.revalidate(config: message) }
      try support.revalidate(normal: message)
      return message
    } catch {
      logger.warning(
        "Discarding a message that the new configuration does not allow: \(error)",
        metadata: ["channel": .string(support.channelID)])
      support.metrics.dropped(.invalidated)
      return nil
    }
  }

  /// What the chain's task has in hand.
  private struct Work {
    var core = SoloCore()
    var timer: Task<Void, Never>?
    var waiting = GroupCommit()
    var fill: BatchFillMeter
  }

  private func write(_ waiting: inout GroupCommit) async throws {
    guard !waiting.isEmpty else { return }
    try await support.write(waiting.take())
  }

  private func carryOut(_ effects: [SoloCore.Effect], _ work: inout Work) async throws {
    let cuts = effects.count { if case .write = $0 { true } else { false } }
    work.fill.note(cuts: cuts, isPending: work.core.isPending)
    for effect in effects {
      switch effect {
      case .write(let batch):
        work.waiting.add(PendingBlock(batch: batch))
        if work.waiting.isFull { try await write(&work.waiting) }
      case .writeConfig(let message):
        try await write(&work.waiting)
        try await support.writeConfig(message, consenterMetadata: nil)
      case .startTimer(let id):
        work.timer?.cancel()
        let timeout = support.bundle.orderer?.batchTimeout ?? .seconds(2)
        work.timer = Task { [weak self] in
          guard (try? await Task.sleep(for: timeout)) != nil else { return }
          self?.expiredTimer.withLock { $0 = id }
          self?.queue.wake()
        }
      case .stopTimer:
        work.timer?.cancel()
        work.timer = nil
      }
    }
  }
}
