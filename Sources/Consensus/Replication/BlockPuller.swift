// Pulls blocks from other orderers, as a client of their Deliver service.

import Blocks
import ChannelConfig
import Concurrency
import FabricProtos
import Logging
import Ordering

/// The blocks of channels, as other orderers have them (Fabric: `cluster.BlockPuller`).
///
/// It keeps nothing between calls: each call makes connections of its own, and closes them.
package final class BlockPuller: ChannelSource {
  private let network: any DeliverSource
  private let requests: SeekRequests
  private let settings: ReplicationSettings
  private let isPatient: Bool
  private let time: any TimeSource
  private let logger: Logger

  /// - Parameter isPatient: Whether a pull goes on without a limit of attempts, as those of chains do, which
  ///   cannot go on without the blocks.
  package init(
    network: any DeliverSource, requests: SeekRequests, settings: ReplicationSettings,
    isPatient: Bool, time: any TimeSource, logger: Logger
  ) {
    self.network = network
    self.requests = requests
    self.settings = settings
    self.isPatient = isPatient
    self.time = time
    self.logger = logger
  }

  package func pull(
    _ channelID: String, from first: UInt64, through last: UInt64?, under bundle: ConfigBundle,
    previousHash: [UInt8], take: @Sendable (_ run: [Block]) async throws -> Void
  ) async throws {
    let trust = ChainTrust(
      channelID: channelID, bundle: first == 0 ? nil : bundle,
      end: ChainEnd(height: first, lastHash: previousHash))
    try await pull(trust, through: last, from: .following(bundle), take: take)
  }

  package func pull(
    behind trust: ChainTrust, through last: UInt64, from endpoints: EndpointChoice,
    take: @Sendable (_ run: [Block]) async throws -> Void
  ) async throws {
    try await pull(trust, through: last, from: endpoints, take: take)
  }

  private func pull(
    _ trust: ChainTrust, through last: UInt64?, from endpoints: EndpointChoice,
    take: @Sendable (_ run: [Block]) async throws -> Void
  ) async throws {
    let core = PullCore(
      trust, through: last, from: endpoints,
      limits: PullCore.Limits(
        bufferBytes: settings.bufferBytes, retryTimeout: settings.retryTimeout,
        attempts: isPatient || settings.maximumAttempts == 0 ? nil : settings.maximumAttempts))
    var run = PullRun(core: core, prober: prober(of: trust.channelID, wantsConnections: true))
    defer { run.closeAll() }
    try await run.run(take: take)
  }

  package func height(
    of channelID: String, under bundle: ConfigBundle
  ) async throws -> UInt64 {
    let answers = await newest(of: channelID, under: bundle)
    try Task.checkCancellation()
    guard let highest = answers.blocks.map(\.block.header.number).max() else {
      throw answers.failure
    }
    return highest == .max ? highest : highest + 1
  }

  /// Says what is wrong with a block that should be the config block of that number.
  private typealias ConfigBlockCheck = (_ number: UInt64, Block) throws(InvalidConfigBlock) -> Void

  /// Of all that answer, the one with the most blocks whose config block is valid.
  package func newestConfigBlock(
    of channelID: String, under bundle: ConfigBundle
  ) async throws -> Block {
    try await newestConfig(of: channelID, under: bundle) {
      number, block throws(InvalidConfigBlock) in
      try InvalidConfigBlock.check(block, is: number, under: bundle)
    }.configBlock
  }

  package func claim(
    about channelID: String, under bundle: ConfigBundle
  ) async throws -> ChannelClaim {
    try await newestConfig(of: channelID, under: bundle) {
      number, block throws(InvalidConfigBlock) in
      try InvalidConfigBlock.checkForm(of: block, is: number, in: channelID)
    }
  }

  /// Of all that answer, the one with the most blocks whose config block passes a check.
  private func newestConfig(
    of channelID: String, under bundle: ConfigBundle, check: ConfigBlockCheck
  ) async throws -> ChannelClaim {
    let prober = prober(of: channelID, wantsConnections: true)
    let probes = await prober.probe(OrdererEndpoint.all(in: bundle))
    defer { for connection in probes.connections.values { connection.close() } }
    try Task.checkCancellation()
    let answers = NewestBlocks(probes)
    guard !answers.blocks.isEmpty else { throw answers.failure }
    var failure = answers.failure
    for (endpoint, newest) in answers.blocks.sorted(by: {
      $0.block.header.number > $1.block.header.number
    }) {
      guard let connection = probes.connections[endpoint] else { continue }
      do {
        let block = try await configBlock(behind: newest, from: endpoint, connection, prober, check)
        let number = newest.header.number
        return ChannelClaim(configBlock: block, height: number == .max ? number : number + 1)
      } catch let reason as PullFailure {
        logger.warning("[channel: \(channelID)] Passing over \(endpoint): \(reason)")
        failure = reason
      }
    }
    throw failure
  }

  private func configBlock(
    behind newest: Block, from endpoint: OrdererEndpoint, _ connection: any DeliverConnection,
    _ prober: Prober, _ check: ConfigBlockCheck
  ) async throws -> Block {
    let channelID = prober.channelID
    let number: UInt64
    do {
      number = try newest.lastConfigIndex(channelID: channelID)
    } catch { throw PullFailure.invalid("\(endpoint): \(error)") }
    let answer: DeliverAnswer
    do {
      answer = try await prober.firstAnswer(
        to: requests.block(number, of: channelID, for: connection), on: connection)
    } catch let error as CancellationError {
      throw error
    } catch { throw PullFailure.unavailable("\(endpoint): \(error)") }
    guard case .block(let block, _) = answer else {
      throw PullFailure.unavailable("\(endpoint) does not send config block \(number)")
    }
    do throws(InvalidConfigBlock) {
      try check(number, block)
    } catch { throw PullFailure.invalid("\(endpoint) sent \(error)") }
    return block
  }

  private func newest(
    of channelID: String, under bundle: ConfigBundle
  ) async -> NewestBlocks {
    let prober = prober(of: channelID, wantsConnections: false)
    return NewestBlocks(await prober.probe(OrdererEndpoint.all(in: bundle)))
  }

  private func prober(of channelID: String, wantsConnections: Bool) -> Prober {
    Prober(
      channelID: channelID, network: network, requests: requests, limit: settings.pullTimeout,
      keepsConnections: wantsConnections, time: time, logger: logger)
  }
}
