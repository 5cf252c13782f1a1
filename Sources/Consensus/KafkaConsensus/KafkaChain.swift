// The shell around the Kafka core: one task for each channel that reads its topic and writes its
// blocks.

import CRdKafka
import Concurrency
import FabricProtos
import Logging
import Metrics
import Ordering
import Synchronization

/// The chain of one channel whose order is that of a Kafka topic.
///
/// A message counts as taken once all in-sync replicas of the topic have it.
package final class KafkaChain: Chain {
  /// Finds the connections to a set of brokers.
  typealias ClientSource = @Sendable ([String]) throws(KafkaError) -> KafkaClient

  /// What other tasks tell the chain's own.
  struct Signals {
    var isHalted = false
    var task: Task<Void, Never>?
    /// Whether the task may be in the middle of writing a block.
    var isProcessing = false
    var timeToCutFailed = false
    var brokersReturned = false
    /// Why reading may have stopped.
    var doubt: String?
    /// What the task waits for and a halt has to cut short.
    var delivery: Delivery?
    /// What clients post through, once the chain is up.
    var route: (client: KafkaClient, topic: PostingTopic)?
  }

  /// The chain was halted while it waited.
  struct Halted: Error {}

  let support: any ConsenterSupport
  let settings: KafkaSettings
  let time: any TimeSource
  let logger: Logger
  let signals = Mutex(Signals())
  let wakeup = Wakeup()
  private let offsets: KafkaOffsets
  private let newestBlock: KafkaCore.NewestBlock
  private let gate: ClientGate
  private let clientSource: ClientSource
  let trouble: ChainTrouble
  let probe = TopicProbe()
  /// Offset in the metadata of the newest block.
  let lastPersisted: Gauge

  init(
    support: any ConsenterSupport, newestBlock block: Block, settings: KafkaSettings,
    metrics: KafkaMetrics, time: any TimeSource, client: @escaping ClientSource, logger: Logger
  ) throws {
    self.support = support
    self.time = time
    offsets = try KafkaOffsets(metadata: block.consenterMetadata())
    self.settings = settings
    self.logger = logger
    clientSource = client
    newestBlock = try Self.summary(of: block)
    let core = KafkaCore(offsets, newestBlock: newestBlock)
    lastPersisted = metrics.lastOffsetPersisted(channelID: support.channelID)
    lastPersisted.record(offsets.lastPersisted)
    let reason = ChainTrouble.starting
    gate = ClientGate(
      refusal: .unavailable(channelID: support.channelID, reason: reason),
      isHeld: core.holdsClientsAtStart)
    trouble = ChainTrouble(support: support, patience: settings.readTimeout, logger: logger)
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
    signals.withLock { signals in
      guard signals.task == nil, !signals.isHalted else { return }
      signals.task = Task { await self.run() }
    }
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

  /// The topic takes all of what comes together, or none as far as clients are told.
  private func take(_ messages: [OrderedMessage]) async -> OrderOutcome {
    do {
      try await post(messages)
      return .taken
    } catch { return .refused(error) }
  }

  private func post(_ messages: [OrderedMessage]) async throws(ChainError) {
    if let refusal = gate.refusal { throw refusal }
    guard let (client, topic) = signals.withLock({ $0.route }) else {
      throw .halted(channelID: channelID)
    }
    guard !client.isDown else {
      throw .unavailable(channelID: channelID, reason: "no Kafka broker can be reached")
    }
    let records = messages.map { message in
      KafkaRecord.regular(
        KafkaRecord.Regular(
          payload: message.envelope.bytes, configSequence: message.configSequence,
          messageClass: message.isConfig ? .config : .normal, originalOffset: 0))
    }
    let outcome = await topic.post(records).outcome()
    probe.posted(outcome)
    if let code = outcome.failure { throw refusal(code) }
  }

  package func halt() async {
    let (task, delivery) = signals.withLock { signals in
      signals.isHalted = true
      signals.route = nil
      // Before the chain is up there is nothing to finish, but perhaps much to wait for.
      return (signals.isProcessing ? signals.task : nil, signals.delivery)
    }
    gate.close(.halted(channelID: channelID))
    trouble.close()
    delivery?.abandon()
    wakeup.set()
    await task?.value
  }

  /// Clients do not wait for the ledger but for the brokers, and those go on taking records.
  package func ledgerObstructed(_ reason: String?) {}

  /// Active until the chain is told to end: what it lacks may come back at any time.
  package var participation: ParticipationStatus {
    ParticipationStatus(
      relation: .other, status: signals.withLock { $0.isHalted } ? .inactive : .active)
  }

  /// Why a message was not taken.
  private func refusal(_ code: Int32) -> ChainError {
    let text = KafkaError.name(code)
    switch code {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue: return .overloaded(channelID: channelID)
    case _ where KafkaError.isTooLarge(code):
      return .unavailable(
        channelID: channelID,
        reason: """
          the message is too large for the Kafka brokers: message.max.bytes of the brokers and \
          max.message.bytes of the topic \(channelID) have to exceed the channel's \
          BatchSize.AbsoluteMaxBytes
          """)
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS.rawValue,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND.rawValue:
      return .unavailable(
        channelID: channelID,
        reason: "too few replicas of the topic \(channelID) are in sync (min.insync.replicas)")
    default:
      return .unavailable(
        channelID: channelID, reason: "cannot post to the topic \(channelID): \(text)")
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
      signals.withLock { $0.route = nil }
      gate.close(.failed(channelID: channelID, reason: reason))
      trouble.close()
      support.fail(reason: reason)
    }
  }

  private func follow() async throws {
    guard let brokers = support.bundle.orderer?.kafkaBrokers, !brokers.isEmpty else {
      throw KafkaError.configuration(
        setting: "KafkaBrokers", reason: "the channel's configuration names no brokers")
    }
    let client = try clientSource(brokers)
    let observer = client.observe { [weak self] problem in
      guard let self else { return }
      trouble.set(.brokers, problem)
      signals.withLock { $0.brokersReturned = problem == nil }
      if problem == nil { wakeup.set() }
    }
    defer { client.stopObserving(observer) }

    // Not before: asking about a topic may create it, with as many partitions as the brokers like.
    try await createTopic(client)
    let topic = try client.topic(channelID)
    let connected = try await connect(topic)
    // A broker need not tell the offset.
    guard connected < 0 || connected > offsets.lastPersisted else {
      throw TopicMismatch.shorter(
        topic: channelID, persisted: offsets.lastPersisted, block: newestBlock.number,
        end: connected)
    }
    let reader = try client.reader(channelID, wakeup: wakeup)
    var worker = RecordWorker(
      chain: self, core: KafkaCore(offsets, newestBlock: newestBlock), client: client,
      topic: topic, reader: reader, gate: gate, trouble: trouble, connectedAt: connected,
      offsets: offsets)
    try signals.withLock { signals throws(Halted) in
      if signals.isHalted { throw Halted() }
      signals.isProcessing = true
      signals.route = (client, topic)
    }
    gate.refuse(nil)
    trouble.started()
    client.observeLeader(of: channelID) { [weak self] reason in
      guard let self else { return }
      signals.withLock { $0.doubt = reason }
      wakeup.set()
    }
    defer { client.stopObservingLeader(of: channelID) }
    log(.info, "Start phase completed successfully")
    do {
      try await worker.run()
    } catch {
      await reader.stop()
      throw error
    }
  }

  private func createTopic(_ client: KafkaClient) async throws {
    log(.info, "Setting up the topic for this channel...")
    do {
      try await retrying("create the topic") { () throws(KafkaError) in
        do throws(KafkaError) {
          try await client.createTopic(self.channelID)
        } catch .broker(let action, let code) {
          // Somebody else has to create it then, or has done so.
          let isOthersTask =
            code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED.rawValue
            || code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED.rawValue
            || code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION.rawValue
            || code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE.rawValue
          guard isOthersTask else { throw .broker(action: action, code: code) }
          self.log(
            .info,
            "The topic has to exist already: \(KafkaError.broker(action: action, code: code))")
        }
      }
    }
  }

  /// Posts a CONNECT record, which shows that the topic takes records, and makes the topic's end known.
  private func connect(_ topic: PostingTopic) async throws -> Int64 {
    log(.info, "About to post the CONNECT message...")
    let offset = try await retrying("post the CONNECT message") { () throws(KafkaError) in
      let outcome = await self.awaitDelivery(topic.post([.connect]))
      if let code = outcome.failure {
        throw .broker(action: "post to the topic \(self.channelID)", code: code)
      }
      return outcome.offset
    }
    log(.info, "CONNECT message posted successfully")
    return offset
  }

  private static func summary(of block: Block) throws -> KafkaCore.NewestBlock {
    let number = block.header.number
    var isConfig = number == 0
    var size = 0
    for entry in block.data {
      let envelope = try EnvelopeView(opaque: entry)
      size += envelope.payload.count + envelope.signature.count
      let type = (try? EnvelopeView(entry)).map { Int($0.headerType) }
      isConfig =
        isConfig || type == Common_HeaderType.config.rawValue
        || type == Common_HeaderType.ordererTransaction.rawValue
    }
    return KafkaCore.NewestBlock(
      number: number, messageCount: block.data.count, size: size, isConfig: isConfig)
  }
}
