// Several nodes on one topic, driven through a random history that a seed replays.

import FabricProtos
import Ordering
import TestSupport

@testable import KafkaConsensus

/// A network of orderers around the core, without any I/O.
///
/// Each node reads the topic at its own pace, posts at its own pace, and may be killed at any point;
/// what it has written stays, and it goes on from there.
struct Simulation {
  /// What a history may contain.
  struct Options {
    var nodes = 3
    var steps = 60
    /// Nodes are killed and started again.
    var kills = true
    /// Messages differ in size, so that batches overflow.
    var sizes = true
    /// Records of orderers before 1.1.
    var oldOrderers = true
    /// Nodes differ over whether a message is still valid, e.g. since their clocks do. Then one that a
    /// node alone posts again may count as a copy of an earlier one, and be lost.
    var disagreement = false
  }

  struct Block: Equatable {
    var entries: [[UInt8]]
    var persisted: Int64
    var original: Int64
    var isConfig: Bool
  }

  private struct Node {
    var core: KafkaCore
    var blocks: [Block]
    /// Newest offsets, as a block's metadata holds them.
    var offsets: KafkaOffsets
    /// Index of the next record.
    var next = 0
    var sequence: UInt64 = 0
    var timer: BatchTimer.ID?
    /// Time-to-cut records that are under way.
    var outbox: [KafkaRecord] = []
    var isHeld = false
    /// The record that the node posted when it started.
    var connected: Int
    var isCaughtUp = false
  }

  private static let limits = BatchLimits(maxMessageCount: 4, preferredMaxBytes: 1_000)

  private let options: Options
  private var random: SplitMix64
  private var topic: [KafkaRecord] = []
  private var nodes: [Node] = []
  /// Messages that a node has found invalid when it validated them again.
  private var rejected: Set<UInt32> = []
  private var nextID: UInt32 = 0
  /// What went wrong, if anything.
  private(set) var problem: String?

  init(seed: UInt64, _ options: Options) {
    self.options = options
    random = SplitMix64(seed: seed)
    for _ in 0..<options.nodes {
      var node = Node(
        core: KafkaCore(.beginning, newestBlock: Self.genesis), blocks: [], offsets: .beginning,
        connected: topic.count)
      node.isHeld = node.core.holdsClientsAtStart
      nodes.append(node)
      topic.append(.connect)
    }
  }

  private static let genesis = KafkaCore.NewestBlock(
    number: 0, messageCount: 1, size: 0, isConfig: true)

  /// Runs the history, lets it come to rest, and checks what all nodes have written.
  mutating func run() {
    for _ in 0..<options.steps {
      let index = random.below(nodes.count)
      switch random.below(100) {
      case 0..<22: submit(index)
      case 22..<80: read(index)
      case 80..<88: expire(index)
      case 88..<94: post(index)
      case 94..<97: topic.append(random.chance(50) ? .connect : .timeToCut(0))
      default: if options.kills { restart(index) }
      }
      if problem != nil { return }
    }
    settle()
    check()
  }

  // MARK: Steps

  private mutating func submit(_ index: Int) {
    guard !nodes[index].isHeld else { return }
    let isConfig = random.chance(20)
    nextID += 1
    let isOld = options.oldOrderers && random.chance(3)
    topic.append(
      .regular(
        KafkaRecord.Regular(
          payload: message(nextID, madeBy: UInt8(index), isConfig: isConfig),
          configSequence: isOld ? 0 : nodes[index].sequence,
          messageClass: isOld ? .unknown : isConfig ? .config : .normal, originalOffset: 0)))
  }

  private mutating func read(_ index: Int) {
    // Bursts let some nodes run far ahead of others.
    for _ in 0...random.below(6) {
      guard nodes[index].next < topic.count, problem == nil else { return }
      let offset = nodes[index].next
      nodes[index].next += 1
      let context = KafkaCore.Context(
        configSequence: nodes[index].sequence, resubmission: true, limits: Self.limits)
      switch nodes[index].core.consumed(topic[offset], offset: Int64(offset), context) {
      case .effects(let effects): carryOut(effects, index)
      case .validate(let message):
        let verdict = validate(message, index)
        if case .invalid = verdict { rejected.insert(Self.id(message.envelope.bytes)) }
        carryOut(nodes[index].core.validated(verdict, context), index)
      }
      if !nodes[index].isCaughtUp, offset >= nodes[index].connected {
        nodes[index].isCaughtUp = true
        if case .releaseClients? = nodes[index].core.caughtUp() { nodes[index].isHeld = false }
      }
    }
  }

  /// Whether a message is valid depends on the configuration alone; a config message is made anew by
  /// the node that validates it, as its signature is that node's.
  private mutating func validate(_ message: OrderedMessage, _ index: Int) -> KafkaCore.Verdict {
    let sequence = nodes[index].sequence
    let id = Self.id(message.envelope.bytes)
    if (UInt64(id) &* 7 &+ sequence) % 5 == 0 { return .invalid("not any more") }
    if options.disagreement, random.chance(20) { return .invalid("not by this clock") }
    guard message.isConfig else {
      return .valid(
        OrderedMessage(envelope: message.envelope, configSequence: sequence, isConfig: false))
    }
    guard
      let envelope = try? EnvelopeView(
        self.message(id, madeBy: UInt8(index), isConfig: true))
    else { return .invalid("no envelope") }
    return .valid(OrderedMessage(envelope: envelope, configSequence: sequence, isConfig: true))
  }

  private mutating func carryOut(_ effects: [KafkaCore.Effect], _ index: Int) {
    for effect in effects {
      switch effect {
      case .write(let batch, let number, let offsets):
        let size = batch.reduce(0) { $0 + $1.size }
        if batch.count > 1,
          batch.count > Self.limits.maxMessageCount || size > Self.limits.preferredMaxBytes
        {
          problem = "a block breaks its limits"
        }
        write(batch, number, offsets, index, isConfig: false)
      case .writeConfig(let message, let number, let offsets):
        write([message], number, offsets, index, isConfig: true)
        nodes[index].sequence += 1
      case .startTimer(let id): nodes[index].timer = id
      case .stopTimer: nodes[index].timer = nil
      case .resubmit(let message, let original):
        let record = KafkaRecord.regular(
          KafkaRecord.Regular(
            payload: message.envelope.bytes, configSequence: message.configSequence,
            messageClass: message.isConfig ? .config : .normal, originalOffset: original))
        // A time-out whose record did land.
        for _ in 0...(random.chance(10) ? 1 : 0) { topic.append(record) }
      case .holdClients: nodes[index].isHeld = true
      case .releaseClients: nodes[index].isHeld = false
      case .discard: break
      case .fail(let reason), .broken(let reason): problem = "node \(index): \(reason)"
      }
    }
  }

  private mutating func write(
    _ batch: [OrderedMessage], _ number: UInt64, _ offsets: KafkaOffsets, _ index: Int,
    isConfig: Bool
  ) {
    if number != UInt64(nodes[index].blocks.count + 1) {
      problem = "node \(index) writes block \(number) after \(nodes[index].blocks.count)"
    }
    nodes[index].blocks.append(
      Block(
        entries: batch.map(\.envelope.bytes), persisted: offsets.lastPersisted,
        original: offsets.lastOriginalProcessed, isConfig: isConfig))
    nodes[index].offsets = offsets
    let number = nodes[index].blocks.count - 1
    // The first node that writes a block says what it is.
    for other in nodes
    where other.blocks.count > number && other.blocks[number] != nodes[index].blocks[number] {
      problem = "node \(index) writes another block \(number + 1)"
    }
  }

  private mutating func expire(_ index: Int) {
    guard let id = nodes[index].timer else { return }
    nodes[index].timer = nil
    if case .postTimeToCut(let number)? = nodes[index].core.expired(id) {
      nodes[index].outbox.append(.timeToCut(number))
    }
  }

  private mutating func post(_ index: Int) {
    guard !nodes[index].outbox.isEmpty else { return }
    let record = nodes[index].outbox.removeFirst()
    if random.chance(15) {
      if case .startTimer(let id)? = nodes[index].core.timeToCutFailed() {
        nodes[index].timer = id
      }
      // It may have landed all the same.
      if random.chance(50) { return }
    }
    topic.append(record)
  }

  private mutating func restart(_ index: Int) {
    // What was under way may still arrive.
    for record in nodes[index].outbox where random.chance(50) { topic.append(record) }
    let old = nodes[index]
    var newest = Self.genesis
    if let block = old.blocks.last {
      newest = KafkaCore.NewestBlock(
        number: UInt64(old.blocks.count), messageCount: block.entries.count,
        size: block.entries.reduce(0) { $0 + Self.size($1) }, isConfig: block.isConfig)
    }
    var node = Node(
      core: KafkaCore(old.offsets, newestBlock: newest), blocks: old.blocks, offsets: old.offsets,
      next: max(0, Int(old.offsets.lastPersisted)), sequence: old.sequence,
      connected: topic.count)
    node.isHeld = node.core.holdsClientsAtStart
    nodes[index] = node
    topic.append(.connect)
  }

  // MARK: The end

  private mutating func settle() {
    for _ in 0..<10_000 {
      guard problem == nil else { return }
      var isAtRest = true
      for index in nodes.indices {
        if nodes[index].next < topic.count {
          isAtRest = false
          read(index)
        } else if !nodes[index].outbox.isEmpty {
          isAtRest = false
          post(index)
        } else if nodes[index].core.pendingCount > 0 {
          isAtRest = false
          if nodes[index].timer == nil {
            problem = "node \(index) has pending messages and no timer"
          }
          expire(index)
        }
      }
      if isAtRest { return }
    }
    problem = "the network does not come to rest"
  }

  private mutating func check() {
    guard problem == nil else { return }
    for index in nodes.indices.dropFirst() where nodes[index].blocks != nodes[0].blocks {
      problem = "node \(index) and node 0 differ"
      return
    }
    for index in nodes.indices where nodes[index].isHeld {
      problem = "clients of node \(index) wait for ever"
    }
    var count: [UInt32: Int] = [:]
    for block in nodes[0].blocks {
      for entry in block.entries { count[Self.id(entry), default: 0] += 1 }
    }
    let isExact = !options.kills && !options.sizes && !options.disagreement
    for id in 1...max(1, nextID) where nextID > 0 {
      let times = count[id] ?? 0
      if isExact, times > 1 { problem = "message \(id) is in \(times) blocks" }
      if times == 0, !rejected.contains(id), !options.disagreement {
        problem = "message \(id) is lost"
      }
    }
    counts = (blocks: nodes[0].blocks.count, found: count.count, sent: Int(nextID))
  }

  /// For the test's own sanity: what happened.
  private(set) var counts = (blocks: 0, found: 0, sent: 0)

  // MARK: Messages

  private func message(_ id: UInt32, madeBy node: UInt8, isConfig: Bool) -> [UInt8] {
    let data = withUnsafeBytes(of: id.littleEndian) { Array($0) } + [isConfig ? node : 0]
    let size = options.sizes ? [50, 300, 450, 1_200][Int(id % 4)] : 50
    return envelopeBytes(data, type: isConfig ? .config : .endorserTransaction, size: size)
  }

  private static func id(_ bytes: [UInt8]) -> UInt32 {
    guard let data = try? EnvelopeView(bytes).data, data.count == 5 else { return 0 }
    return data.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func size(_ bytes: [UInt8]) -> Int {
    (try? EnvelopeView(bytes)).map { $0.payload.count + $0.signature.count } ?? 0
  }
}
