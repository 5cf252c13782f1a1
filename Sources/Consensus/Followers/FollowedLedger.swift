// The ledger of a followed channel: commits blocks as others sealed them, and knows the configuration in force.

import BlockLedger
import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Membership
import Ordering
import Replication
import Synchronization

/// Where the task commits that pulls a channel's blocks. Others may read.
package final class FollowedLedger: Sendable {
  private struct State {
    /// nil before block 0 is here.
    var bundle: ConfigBundle?
    var membership: FollowedMembership
    /// nil until a block is appended behind another one.
    var writer: BlockWriter?
  }

  let store: any BlockStore
  let retry: LedgerRetry
  private let join: JoinPoint?
  private let support: any FollowerSupport
  private let signer: any Signer
  private let metrics: ChannelMetrics
  private let time: any TimeSource
  private let state: Mutex<State>

  package init(
    store: any BlockStore, bundle: ConfigBundle?, join: JoinPoint?, isStale: Bool,
    support: any FollowerSupport, signer: any Signer, metrics: ChannelMetrics,
    time: any TimeSource, logger: Logger
  ) {
    self.store = store
    self.join = join
    self.support = support
    self.signer = signer
    self.metrics = metrics
    self.time = time
    retry = LedgerRetry(channelID: store.channelID, time: time, logger: logger)
    // Until the join block is here, that block says what this node is going to be.
    let known = join.map { store.height <= $0.number ? $0.bundle : nil } ?? nil
    let role = (known ?? bundle).map(support.role) ?? .follower
    state = Mutex(
      State(bundle: bundle, membership: FollowedMembership(role: role, isStale: isStale)))
  }

  package var height: UInt64 { store.height }
  /// What the newest configuration that is known says of this node.
  package var role: ConsensusRole { state.withLock { $0.membership.role } }
  var bundle: ConfigBundle? { state.withLock { $0.bundle } }

  var position: FollowerCore.Position {
    let state = state.withLock { $0 }
    return FollowerCore.Position(
      height: store.height, isConsenter: state.membership.isConsenter)
  }

  /// The end of the chain, for the pull that goes on from there.
  package var trust: ChainTrust {
    ChainTrust(
      channelID: store.channelID, bundle: bundle,
      end: ChainEnd(height: store.height, lastHash: store.lastBlockHash))
  }

  /// Commits a run of blocks that were verified. All before a config block are durable before that takes effect.
  ///
  /// - Throws: ``NotTheJoinedChannel``; `LedgerError`; `BlockError`; what `forgetConsensus` throws.
  package func commit(_ run: [Block]) async throws {
    if let join, let block = run.first(where: { $0.header.number == join.number }),
      block.header != join.header
    {
      throw NotTheJoinedChannel(number: join.number)
    }
    var waiting: [Block] = []
    for block in run {
      guard let envelope = block.configEnvelope else {
        waiting.append(block)
        continue
      }
      try await append(waiting, under: bundle)
      waiting = []
      let next =
        try bundle?.successor(in: envelope) ?? ConfigBundle(configEnvelope: envelope.bytes)
      try await configure(next, by: block)
    }
    try await append(waiting, under: bundle)
  }

  private func append(_ blocks: [Block], under bundle: ConfigBundle?) async throws {
    guard let first = blocks.first else { return }
    guard first.header.number > 0 else {
      return try await retry.run { try await store.append(first) }
    }
    let sequence = bundle?.sequence ?? 0
    try await writer(sequence).append(sealed: blocks, configSequence: sequence)
  }

  /// The one that all appends share; the first makes it, which reads the newest block.
  private func writer(_ configSequence: UInt64) throws -> BlockWriter {
    if let writer = state.withLock({ $0.writer }) { return writer }
    let writer = try BlockWriter(
      store: store, signer: signer, configSequence: configSequence, retry: retry, time: time,
      metrics: metrics)
    state.withLock { $0.writer = writer }
    return writer
  }

  /// Commits a config block. What the consenter kept of a membership that ends here goes before that: it must not be
  /// found by a chain of a later membership, wherever a crash comes.
  private func configure(_ next: ConfigBundle, by block: Block) async throws {
    let role = support.role(in: next)
    let isPastJoin = join.map { block.header.number >= $0.number } ?? true
    if isPastJoin, bundle != nil, state.withLock({ $0.membership.endsMembership(role) }) {
      try await support.forgetConsensus()
    }
    try await append([block], under: next)
    state.withLock { state in
      state.bundle = next
      state.membership.configured(role, isPastJoin: isPastJoin)
    }
    support.configured(next)
  }
}

/// The block that an operator gave is not in the chain that others have.
package struct NotTheJoinedChannel: Error, CustomStringConvertible {
  package let number: UInt64

  package var description: String {
    """
    block \(number) of the other orderers is not the one that the channel was joined with: remove the channel, and \
    join it with a block of the right network
    """
  }
}
