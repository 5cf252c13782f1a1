// The shell around the Kafka core: one task for each channel that reads its topic and writes its
// blocks.

import Blocks
import Concurrency
import FabricProtos
import KafkaClient
import Logging
import MetricDescriptions
import Metrics
import Ordering

/// The chain of one channel whose order is that of a Kafka topic.
///
/// A message counts as taken once all in-sync replicas of the topic have it.
package final class KafkaChain: Chain {
  /// Finds the connections to a set of brokers.
  typealias BrokerSource = @Sendable ([String]) throws(KafkaError) -> any ChannelBrokers

  let support: any ConsenterSupport
  let settings: KafkaSettings
  let time: any TimeSource
  let logger: Logger
  let offsets: KafkaOffsets
  let newestBlock: KafkaCore.NewestBlock
  let gate: ClientGate
  let trouble: ChainTrouble
  let probe: TopicProbe
  /// Offset in the metadata of the newest block.
  let lastPersisted: Gauge
  let state = Watched(ChainState())
  /// Wakes the chain's task while it waits for records.
  let wakeUp = WakeUp()
  private let brokerSource: BrokerSource

  init(
    support: any ConsenterSupport, newestBlock block: Block, settings: KafkaSettings,
    metrics: any MetricsFactory, time: any TimeSource, brokers: @escaping BrokerSource,
    logger: Logger
  ) throws {
    self.support = support
    self.settings = settings
    self.time = time
    self.logger = logger
    brokerSource = brokers
    offsets = try KafkaOffsets(metadata: block.consenterMetadata())
    newestBlock = try KafkaCore.NewestBlock(block)
    lastPersisted = metrics.gauge(KafkaChainMetrics.lastOffsetPersisted, support.channelID)
    lastPersisted.record(offsets.lastPersisted)
    let reason = ChainTrouble.starting
    gate = ClientGate(
      refusal: .unavailable(channelID: support.channelID, reason: reason),
      isHeld: KafkaCore(offsets, newestBlock: newestBlock).holdsClientsAtStart)
    trouble = ChainTrouble(
      support: support, patience: settings.client.readTimeout, time: time, logger: logger)
    probe = TopicProbe(time: time)
    support.suspend(reason: reason)
    log(
      .info,
      """
      Starting chain with last persisted offset \(offsets.lastPersisted) and last recorded block \
      [\(newestBlock.number)]
      """)
  }

  var channelID: String { support.channelID }

  func log(_ level: Logger.Level, _ text: @autoclosure () -> String) {
    logger.log(level: level, "[channel: \(channelID)] \(text())")
  }

  // MARK: Chain

  package func start() {
    state.change { $0.start { Task { await self.run() } } }
  }

  package func waitReady() async throws(ChainError) {
    try await gate.pass(channelID: channelID)
  }

  package func order(_ messages: [OrderedMessage]) async -> OrderOutcomes {
    .all(await take(messages))
  }

  package func configure(_ message: OrderedMessage) async -> OrderOutcome {
    await take([message])
  }

  package func halt() async {
    let (task, awaited) = state.change { $0.halt() }
    gate.close(.halted(channelID: channelID))
    trouble.close()
    awaited?.abandon()
    wakeUp.set()
    await task?.value
  }

  /// Clients do not wait for the ledger but for the brokers, and those go on taking records.
  package func ledgerObstructed(_ reason: String?) {}

  /// Active until the chain is told to end: what it lacks may come back at any time.
  package var participation: ParticipationStatus {
    ParticipationStatus(
      relation: .other, status: state.read { $0.isHalted } ? .inactive : .active)
  }

  // MARK: Clients

  /// The topic takes all of what comes together, or none as far as clients are told.
  private func take(_ messages: [OrderedMessage]) async -> OrderOutcome {
    if let refusal = gate.refusal { return .refused(refusal) }
    guard let route = state.read({ $0.route }) else {
      return .refused(.halted(channelID: channelID))
    }
    guard !route.brokers.isDown else {
      return .refused(
        .unavailable(channelID: channelID, reason: "no Kafka broker can be reached"))
    }
    let records = messages.map { KafkaRecord($0, originalOffset: 0).serialized() }
    let outcome = await route.writer.post(records).outcome()
    probe.posted(outcome)
    return outcome.failure.map { .refused(refusal($0)) } ?? .taken
  }

  /// Why a message was not taken.
  private func refusal(_ code: KafkaCode) -> ChainError {
    switch code.meaning {
    case .queueFull: return .overloaded(channelID: channelID)
    case .tooLarge:
      return .unavailable(
        channelID: channelID,
        reason: """
          the message is too large for the Kafka brokers: message.max.bytes of the brokers and \
          max.message.bytes of the topic \(channelID) have to exceed the channel's \
          BatchSize.AbsoluteMaxBytes
          """)
    case .tooFewReplicas:
      return .unavailable(
        channelID: channelID,
        reason: "too few replicas of the topic \(channelID) are in sync (min.insync.replicas)")
    case .abandoned, .purged, .cannotCreateTopics, .topicRefused, .other:
      return .unavailable(
        channelID: channelID, reason: "cannot post to the topic \(channelID): \(code)")
    }
  }

  // MARK: The chain's task

  private func run() async {
    do {
      try await follow()
    } catch is Halted {
      log(.info, "Consenter for channel exiting")
    } catch {
      let reason = "\(error)"
      state.change { $0.fail() }
      gate.close(.failed(channelID: channelID, reason: reason))
      trouble.close()
      support.fail(reason: reason)
    }
  }

  /// Opens the topic, and carries its records into blocks until the chain is halted or cannot go on.
  private func follow() async throws {
    guard let addresses = support.bundle.orderer?.kafkaBrokers, !addresses.isEmpty else {
      throw KafkaError.configuration(
        setting: "KafkaBrokers", reason: "the channel's configuration names no brokers")
    }
    let brokers = try brokerSource(addresses)
    let observer = brokers.observe { [weak self] in self?.brokersChanged($0) }
    defer { brokers.stopObserving(observer) }

    let topic = try await open(brokers)
    var worker = RecordWorker(chain: self, topic: topic)
    try state.change { state throws(Halted) in
      try state.beginOrdering(ChainState.Route(brokers: brokers, writer: topic.writer))
    }
    gate.open()
    trouble.started()
    brokers.observeLeader(of: channelID) { [weak self] in self?.tell(.readingDoubted($0)) }
    defer { brokers.stopObservingLeader(of: channelID) }
    log(.info, "Start phase completed successfully")
    do {
      try await worker.run()
    } catch {
      await topic.reader.stop()
      throw error
    }
  }

  private func brokersChanged(_ problem: String?) {
    trouble.brokers(problem)
    if problem == nil {
      tell(.brokersReturned)
    } else {
      state.change { $0.forgetReturn() }
    }
  }

  /// Leaves something for the chain's task, and wakes it.
  func tell(_ news: ChainState.News) {
    state.change { $0.tell(news) }
    wakeUp.set()
  }
}
