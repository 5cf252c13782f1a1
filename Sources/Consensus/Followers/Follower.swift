// A channel that others order: pulls its blocks, and keeps them.

import BlockLedger
import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Membership
import Metrics
import Ordering
import Replication
import Synchronization

/// A channel of which this node keeps the blocks as others sealed them, and which it orders itself once a
/// configuration names the node (Fabric: `follower.Chain`). It serves nobody.
package final class Follower: Sendable {
  /// What all followers of a node share.
  package struct Environment: Sendable {
    let source: any ChannelSource
    let signer: any Signer
    let metrics: any MetricsFactory
    let time: any TimeSource
    let logger: Logger

    package init(
      source: any ChannelSource, signer: any Signer, metrics: any MetricsFactory,
      time: any TimeSource, logger: Logger
    ) {
      self.source = source
      self.signer = signer
      self.metrics = metrics
      self.time = time
      self.logger = logger
    }
  }

  private enum Life {
    case made
    case running(Task<Void, Never>)
    case halted
  }

  /// What others may read while the task works.
  private struct View {
    var isOnboarding: Bool
    var problem: String?
  }

  /// The channel's name.
  package let id: String
  private let ledger: FollowedLedger
  private let join: JoinPoint?
  private let support: any FollowerSupport
  private let environment: Environment
  private let metrics: FollowerMetrics
  private let life = Mutex(Life.made)
  private let progress: Mutex<PullProgress>
  private let view: Mutex<View>

  /// A follower that does nothing yet.
  ///
  /// - Parameters:
  ///   - bundle: The configuration in force at the end of the ledger; nil if that is empty.
  ///   - join: What the channel was joined with; nil if that is long over. Without it the ledger has a block.
  ///   - isStale: Whether that configuration names this node, but the node was told that it is not that consenter
  ///     any more: only a later one counts.
  package init(
    store: any BlockStore, bundle: ConfigBundle?, join: JoinPoint?, isStale: Bool = false,
    support: any FollowerSupport, environment: Environment
  ) {
    id = store.channelID
    self.join = join
    self.support = support
    self.environment = environment
    metrics = FollowerMetrics(channelID: id, factory: environment.metrics)
    ledger = FollowedLedger(
      store: store, bundle: bundle, join: join, isStale: isStale, support: support,
      signer: environment.signer,
      metrics: ChannelMetrics(channelID: id, factory: environment.metrics),
      time: environment.time, logger: environment.logger)
    progress = Mutex(PullProgress(height: store.height, now: environment.time.now))
    view = Mutex(View(isOnboarding: join.map { store.height <= $0.number } ?? false))
  }

  /// Blocks that are here.
  package var height: UInt64 { ledger.height }
  /// The channel's ledger, for the chain that takes the follower's place.
  package var store: any BlockStore { ledger.store }

  /// Onboarding until the join block is here.
  package var participation: ParticipationStatus {
    ParticipationStatus(
      relation: ledger.role == .consenter ? .consenter : .follower,
      status: view.withLock { $0.isOnboarding } ? .onboarding : .active)
  }

  /// What keeps the channel from getting on, in words that tell an operator what to do; nil if all is well.
  package var problem: String? {
    if let obstruction = ledger.retry.obstruction {
      return "\(obstruction). The channel goes on by itself once they can; no restart is needed"
    }
    return view.withLock { $0.problem }
  }

  /// Begins to follow. No effect after ``halt()``.
  package func start() {
    life.withLock { life in
      guard case .made = life else { return }
      life = .running(Task { await self.run() })
    }
  }

  /// Stops, and returns when nothing is written any more. Must not be called by the follower's own task, i.e. out of
  /// its ``FollowerSupport``.
  package func halt() async {
    ledger.retry.stop()
    let task = life.withLock { life -> Task<Void, Never>? in
      defer { life = .halted }
      if case .running(let task) = life { return task }
      return nil
    }
    task?.cancel()
    await task?.value
  }

  // MARK: The task

  private func run() async {
    do {
      try await takeGenesis()
      var core = FollowerCore(at: ledger.position, joinNumber: join?.number)
      tell(core)
      var effect = core.begin()
      while effect != .order {
        try Task.checkCancellation()
        effect = try await carryOut(effect, &core)
        tell(core)
      }
    } catch is CancellationError {
      return
    } catch { return end(error) }
    log(
      .info,
      "Block pulling finished successfully, going to switch from follower to a consensus.Chain")
    guard !Task.isCancelled else { return }
    await support.orderInstead()
  }

  /// A join block that is block 0 is the first block of the ledger: nobody need be asked for it.
  private func takeGenesis() async throws {
    guard ledger.height == 0, let genesis = join?.genesis else { return }
    try await ledger.commit([genesis])
  }

  private func carryOut(
    _ effect: FollowerCore.Effect, _ core: inout FollowerCore
  ) async throws -> FollowerCore.Effect {
    switch effect {
    case .pull(let last):
      let outcome = try await pull(through: last, core)
      return core.pulled(outcome, reached: ledger.position)
    case .poll:
      return core.polled(try await poll())
    case .pause(let duration):
      try await environment.time.sleep(for: duration)
      return core.paused()
    case .order: return .order
    }
  }

  /// - Throws: what ends the follower.
  private func pull(
    through last: UInt64, _ core: FollowerCore
  ) async throws -> FollowerCore.Outcome {
    guard let endpoints = core.isOnboarding ? join.map({ .fixed($0.bundle) }) : following else {
      throw ChannelFault.broken("a follower has neither blocks nor a join block")
    }
    let first = ledger.height
    progress.withLock { $0 = PullProgress(height: first, now: environment.time.now) }
    do {
      try await environment.source.pull(
        behind: ledger.trust, through: last, from: endpoints
      ) { run in
        try await self.ledger.commit(run)
        self.tellProgress(last)
      }
    } catch let failure as PullFailure {
      note(failure)
      return .failure
    }
    let text = progress.withLock {
      $0.text(height: ledger.height, target: last + 1, now: environment.time.now)
    }
    log(.info, "Pulled blocks from \(first) until \(last): \(text)")
    if core.isOnboarding {
      log(.info, "Onboarding finished successfully, pulled blocks up to join-block")
    }
    return .success
  }

  private var following: EndpointChoice? { ledger.bundle.map { .following($0) } }

  private func poll() async throws -> UInt64? {
    guard let bundle = ledger.bundle else {
      throw ChannelFault.broken("a follower has no configuration")
    }
    do {
      return try await environment.source.height(of: id, under: bundle)
    } catch let failure as PullFailure {
      note(failure)
      return nil
    }
  }

  // MARK: What others are told

  private func tell(_ core: FollowerCore) {
    let hasChanged = view.withLock { view in
      if !core.isTroubled { view.problem = nil }
      defer { view.isOnboarding = core.isOnboarding }
      return view.isOnboarding != core.isOnboarding
    }
    metrics.setTarget(core.targetHeight)
    if hasChanged { support.participationChanged() }
  }

  private func tellProgress(_ last: UInt64) {
    let text = progress.withLock {
      $0.report(height: ledger.height, target: last + 1, now: environment.time.now)
    }
    if let text { log(.info, "Pulling blocks: \(text)") }
  }

  private func note(_ failure: PullFailure) {
    let reason =
      """
      this orderer follows the channel, but gets no blocks: \(failure). It keeps trying; its height is \(height)
      """
    log(.warning, "\(failure)")
    view.withLock { $0.problem = reason }
  }

  /// The follower cannot go on.
  private func end(_ error: any Error) {
    if Task.isCancelled { return }
    view.withLock { $0.problem = "\(error)" }
    support.fail(reason: "\(error)")
  }

  private func log(_ level: Logger.Level, _ text: String, function: String = #function) {
    environment.logger.log(level: level, "[channel: \(id)] \(text)", function: function)
  }
}
