// Makes the chains of channels whose consensus type is "etcdraft".

import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import GoText
import Logging
import Metrics
import Ordering
import RaftLog
import Storage
import Synchronization

/// The Raft consenter of a node.
package final class RaftConsenter: ClusterConsenter {
  private let settings: RaftSettings
  private let transport: any ClusterTransport
  private let blocks: any BlockSource
  private let threads = LogThreads()
  /// The keys that this node has, by which it finds itself among the consenters; none without TLS.
  private let keys: @Sendable () -> [ConsenterKey]
  private let time: any TimeSource
  private let wheel: TimerWheel?
  private let now: @Sendable () -> Date
  private let metrics: any MetricsFactory
  private let logger: Logger
  /// What is known of the consenters of each channel, while its chain is there.
  private let chains = Mutex<[String: Weak]>([:])

  private struct Weak: Sendable {
    weak let chain: RaftChain?
  }

  /// - Parameters:
  ///   - keys: Those that this node has for the port that other nodes connect to, the newest first, as they change
  ///     while it runs; by default the one of the settings.
  ///   - transport: Connections to the other nodes.
  ///   - blocks: Where blocks come from that others have made, and a snapshot stands for.
  ///   - time: The clock of ticks and time-outs.
  ///   - wheel: On which the channels of the node tick together; nil: each for itself.
  ///   - now: The date by which consenters' certificates are valid or not.
  ///   - metrics: Where the metrics below `consensus_etcdraft` go; by default they are not recorded.
  package init(
    settings: RaftSettings, keys: (@Sendable () -> [ConsenterKey])? = nil,
    transport: any ClusterTransport, blocks: any BlockSource, time: any TimeSource,
    wheel: TimerWheel? = nil, now: @escaping @Sendable () -> Date, logger: Logger,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance
  ) {
    self.settings = settings
    self.transport = transport
    self.blocks = blocks
    self.time = time
    self.wheel = wheel
    self.now = now
    self.logger = logger
    self.metrics = metrics
    let key = settings.serverCertificate.flatMap(ConsenterKey.init(pem:))
    self.keys = keys ?? { key.map { [$0] } ?? [] }
  }

  /// Checks that logs and snapshots can be where the settings want them: that is a fault of the node, not of a
  /// channel.
  ///
  /// - Throws: ``UnusableFolder``
  package func checkFolders() throws(UnusableFolder) {
    for (setting, path) in [
      ("Consensus.WALDir", settings.logDirectory),
      ("Consensus.SnapDir", settings.snapshotDirectory),
    ] {
      var existing = path
      while !Folder.exists(existing), existing != "/", existing != "." {
        existing = Folder.parent(of: existing)
      }
      guard Folder.exists(existing, kind: .folder) else {
        throw UnusableFolder(setting: setting, path: path, obstacle: existing)
      }
    }
  }

  package func role(in bundle: ConfigBundle) -> ConsensusRole {
    guard let orderer = bundle.orderer, orderer.consensusType == RaftConfig.type else {
      return .neither
    }
    let keys = keys()
    guard !keys.isEmpty, let config = try? RaftConfig(serialized: orderer.consensusMetadata) else {
      // Making the chain tells what is wrong.
      return .consenter
    }
    let isNamed = config.consenters.contains { consenter in
      ConsenterKey(pem: Array(consenter.serverTlsCert)).map(keys.contains) ?? false
    }
    return isNamed ? .consenter : .follower
  }

  /// - Throws: ``InvalidRaftConfig``, ``UnusableBlockMetadata`` or ``NotConsenter`` if the channel cannot be ordered
  ///   here.
  package func makeChain(
    support: any ConsenterSupport, newestBlock block: Block
  ) throws -> any Chain {
    let orderer = try support.bundle.requiredOrderer(orThrow: ChannelFault.init)
    let config = try RaftConfig(serialized: orderer.consensusMetadata)
    let options = try config.options
    let newest = try NewestBlock(
      block.completed { try support.block($0) }, config: config, identity: settings.identity)
    let keys = keys()
    guard !keys.isEmpty else { throw NotConsenter.withoutTLS }
    guard let id = keys.lazy.compactMap({ newest.consenters.id(of: $0) }).first else {
      throw NotConsenter.unnamed
    }
    if settings.evictionSuspicion == nil {
      logger.info("EvictionSuspicion not set, defaulting to 10m0s")
    }
    let tickInterval = settings.tickIntervalOverride ?? options.tickInterval
    if settings.tickIntervalOverride != nil {
      logger.info(
        """
        TickIntervalOverride is set, overriding channel configuration tick interval to \
        \(GoDuration(tickInterval))
        """)
    }
    let chain = RaftChain(
      support: support, newestBlock: newest, id: id, options: options, tickInterval: tickInterval,
      environment: RaftChain.Environment(
        location: location(of: support.channelID), transport: transport, blocks: blocks,
        pool: try threads.pool,
        seed: UInt64.random(in: 0...UInt64.max), metrics: metrics,
        evictionSuspicion: settings.evictionSuspicion, time: time, wheel: wheel, logger: logger))
    chains.withLock { $0[support.channelID] = Weak(chain: chain) }
    return chain
  }

  package func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {
    try ConsensusMetadataValidator(now: Int64(now().timeIntervalSince1970)).validate(
      change, standing: try standing(of: change.channelID))
  }

  private func standing(
    of channelID: String
  ) throws(ConsensusChangeRefusal) -> ConsensusMetadataValidator.Standing {
    guard let chain = chains.withLock({ $0[channelID]?.chain }) else {
      throw ConsensusChangeRefusal("the channel is not ordered here")
    }
    return chain.attendance.withLock { $0.standing(at: time.now) }
  }

  package func removeData(of channelID: String) async throws {
    chains.withLock { $0[channelID] = nil }
    let location = location(of: channelID)
    try await threads.pool.run(orThrow: RaftLogError.closed) { () throws(RaftLogError) in
      try RaftStorage.remove(location)
    }
  }

  /// Hands leadership of all channels on to other nodes. Called when the node is about to stop, while others still can
  /// reach it: so they need not wait for an election.
  package func giveWay() async {
    let chains = chains.withLock { $0.values.compactMap(\.chain) }
    await withTaskGroup(of: Void.self) { group in
      for chain in chains { group.addTask { await chain.giveWay() } }
    }
  }

  /// Ends the threads that logs are written on. Called once all chains have halted.
  package func close() async { await threads.close() }

  /// Where the files of a channel are.
  private func location(of channelID: String) -> RaftStorage.Location {
    RaftStorage.Location(
      channelID: channelID, logFolder: "\(settings.logDirectory)/\(channelID)",
      snapshotFolder: "\(settings.snapshotDirectory)/\(channelID)")
  }
}

/// A folder of the settings that is none.
package struct UnusableFolder: Error, Equatable, CustomStringConvertible {
  package let setting: String
  package let path: String
  package let obstacle: String

  package var description: String {
    "\(setting) is \(path), but \(obstacle) is no folder: set it to a folder that the orderer can write to"
  }
}

/// Why this node cannot order a Raft channel.
package enum NotConsenter: Error, Equatable, CustomStringConvertible {
  /// It has no TLS certificate by which others could know it.
  case withoutTLS
  /// Its certificate is none of the consenters'.
  case unnamed

  package var description: String {
    switch self {
    case .withoutTLS:
      "TLS is required for running ordering nodes of cluster type: set General.TLS.Enabled"
    case .unnamed:
      """
      this node is not one of the channel's consenters: none of them has the key of its TLS server certificate
      """
    }
  }
}
