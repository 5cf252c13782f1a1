// What the task of a solo chain does: carries messages through the core into blocks.

import ChannelConfig
import Concurrency
import Logging
import Ordering

/// The core of a solo chain with its clock, and the blocks that wait to be written.
///
/// A value of the chain's task.
struct SoloWorker {
  private let support: any ConsenterSupport
  private let logger: Logger
  private var core = SoloCore()
  private var timer: BatchAlarm
  private var fill: BatchFillMeter
  /// Batches that were cut from what arrived together.
  private var group = GroupCommit()

  /// - Parameter wake: Makes the chain's task call ``take(_:)``, if only with nothing.
  init(
    support: any ConsenterSupport, time: any TimeSource, logger: Logger,
    wake: @escaping @Sendable () -> Void
  ) {
    self.support = support
    self.logger = logger
    timer = BatchAlarm(time: time, wake: wake)
    fill = BatchFillMeter(support.metrics, time: time)
  }

  /// Orders what arrived together, and writes what is cut.
  mutating func take(_ messages: [OrderedMessage]) async throws {
    if let expired = timer.takeExpired() { try await carryOut(core.expired(expired)) }
    for message in messages {
      // What becomes of a config message, and of those after it, depends on the blocks before it.
      if message.isConfig { try await writeGroup() }
      guard let current = try support.upToDate(message, logger: logger) else { continue }
      let limits = BatchLimits(try orderer.batchSize)
      try await carryOut(core.ordered(current, limits: limits))
    }
    try await writeGroup()
  }

  /// Writes what is pending: the chain ends in an orderly way.
  mutating func end() async throws {
    try await carryOut(core.halted())
    try await writeGroup()
  }

  /// Stops the timer and writes what was cut before the fault: the chain cannot go on.
  mutating func abandon() async {
    timer.stop()
    // A group that could not be written is not in hand any more.
    try? await writeGroup()
  }

  private var orderer: OrdererGroupConfig {
    get throws { try support.bundle.requiredOrderer(orThrow: ChannelFault.init) }
  }

  private mutating func carryOut(_ effects: [SoloCore.Effect]) async throws {
    try core.check()
    let cuts = effects.count { if case .write = $0 { true } else { false } }
    fill.note(cuts: cuts, isPending: core.isPending)
    for effect in effects {
      switch effect {
      case .write(let batch):
        group.add(PendingBlock(batch: batch))
        if group.isFull { try await writeGroup() }
      case .writeConfig(let message):
        try await writeGroup()
        try await support.writeConfig(message, consenterMetadata: [])
      case .startTimer(let id):
        timer.start(id, for: try orderer.batchTimeout)
      case .stopTimer: timer.stop()
      }
    }
  }

  private mutating func writeGroup() async throws {
    guard !group.isEmpty else { return }
    let blocks = group.take()
    let limits = BatchLimits(try orderer.batchSize)
    for block in blocks { try block.check(limits) }
    try await support.write(blocks)
  }
}
