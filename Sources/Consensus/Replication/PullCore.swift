// How blocks are pulled, as a value: whom to ask for what, and what to do with the answers.

import ChannelConfig
import FabricProtos
import Ordering

/// One pull of a channel's blocks. It takes inputs and says what to do next, one thing at a time.
///
/// All orderers are asked for their newest block; one of those that have the wanted block sends blocks until
/// the buffer is full, and what has come is verified as one run and handed over. Who fails is passed over until
/// something has come, or until nobody else is left. An attempt that brings nothing is followed by a pause; after
/// too many in a row the pull fails.
struct PullCore: Sendable {
  /// What to do. Each is answered by one input.
  enum Effect: Sendable {
    /// Ask all of these for their newest block: ``probed(_:pick:)``.
    case probe([OrdererEndpoint])
    /// Ask one, whose answer to the probe said that it has it, for this block and all that follow:
    /// ``receive`` comes next, after ``opened()`` or ``lost(_:)``.
    case open(OrdererEndpoint, from: UInt64)
    /// Wait for the next block of the stream: ``received(_:bytes:)`` or ``lost(_:)``.
    case receive
    /// Close all connections, then wait: ``paused()``.
    case pause(Duration)
    /// Commit a run: ``taken()``.
    case take([Block])
    /// All is here.
    case finish
    case fail(PullFailure)
  }

  /// What an orderer answered to a probe.
  enum Probe: Sendable, Equatable {
    /// The number of its newest block.
    case newest(UInt64)
    case forbidden
    case unavailable
    /// It did not answer as it should; the reason says how.
    case failed(String)
  }

  /// The limits of a pull.
  struct Limits: Sendable {
    var bufferBytes: Int
    var retryTimeout: Duration
    /// Attempts in a row that may bring nothing; nil for no limit.
    var attempts: Int?
  }

  private enum Stage {
    case probing
    case opening(Sender)
    case receiving(Sender, Run)
    case taking(Sender)
    case pausing
    case over
  }

  /// Who sends blocks, and the number of the newest that it had when it was asked.
  private struct Sender {
    let endpoint: OrdererEndpoint
    let newest: UInt64
    /// Whether its stream has ended, so that what has come is the last of it.
    var isLost = false
  }

  /// Blocks that have come and are not verified yet.
  private struct Run {
    var blocks: [Block] = []
    var bytes = 0
  }

  private var stage = Stage.probing
  private var trust: ChainTrust
  /// The last block that is wanted; nil until a probe has told what there is.
  private var last: UInt64?
  private let endpoints: EndpointChoice
  private let limits: Limits
  private var failedAttempts = 0
  /// Addresses of those that failed since something has come.
  private var failed: Set<String> = []
  /// Addresses of those that sent what is not valid. They are asked only if nobody else is left.
  private var distrusted: Set<String> = []

  init(_ trust: ChainTrust, through last: UInt64?, from endpoints: EndpointChoice, limits: Limits) {
    self.trust = trust
    self.last = last
    self.endpoints = endpoints
    self.limits = limits
  }

  // MARK: Inputs

  /// Begins.
  mutating func begin() -> Effect { isComplete ? over(.finish) : probe() }

  /// All who were asked have answered, or taken too long.
  ///
  /// - Parameter pick: A random number, which chooses among those that have the wanted block.
  mutating func probed(_ answers: [OrdererEndpoint: Probe], pick: UInt64) -> Effect {
    guard case .probing = stage else { return outOfTurn() }
    let heights = answers.compactMap { endpoint, answer in
      if case .newest(let number) = answer {
        Sender(endpoint: endpoint, newest: number)
      } else {
        nil
      }
    }
    guard let highest = heights.map(\.newest).max() else { return nobodyAnswered(answers) }
    if last == nil {
      last = highest
      if isComplete { return over(.finish) }
    }
    let having = heights.filter { $0.newest >= trust.height }
      .sorted { $0.endpoint.address < $1.endpoint.address }
    guard let sender = choose(among: having, pick) else {
      return attemptFailed(
        .unavailable("the orderers that answer have no block \(trust.height) yet"))
    }
    stage = .opening(sender)
    return .open(sender.endpoint, from: trust.height)
  }

  /// The request is on its way.
  mutating func opened() -> Effect {
    guard case .opening(let sender) = stage else { return outOfTurn() }
    stage = .receiving(sender, Run())
    return .receive
  }

  /// A block has come.
  ///
  /// - Parameter bytes: Its size on the wire.
  mutating func received(_ block: Block, bytes: Int) -> Effect {
    guard case .receiving(var sender, var run) = stage else { return outOfTurn() }
    // Without this the run's array would be copied; what follows enters a stage in any case.
    stage = .over
    let expected = trust.height + UInt64(run.blocks.count)
    guard block.header.number == expected else {
      distrusted.insert(sender.endpoint.address)
      sender.isLost = true
      return run.blocks.isEmpty
        ? attemptFailed(
          .invalid("\(sender.endpoint) sent block \(block.header.number) in place of \(expected)"))
        : verify(run, from: sender)
    }
    run.blocks.append(block)
    run.bytes += bytes
    let isLast = expected >= (last ?? sender.newest)
    guard run.bytes >= limits.bufferBytes || expected >= sender.newest || isLast else {
      stage = .receiving(sender, run)
      return .receive
    }
    return verify(run, from: sender)
  }

  /// The stream could not be opened, has ended, or brings nothing any more.
  mutating func lost(_ reason: String) -> Effect {
    switch stage {
    case .opening(let sender):
      return senderFailed(sender, reason)
    case .receiving(var sender, let run):
      guard !run.blocks.isEmpty else { return senderFailed(sender, reason) }
      sender.isLost = true
      failed.insert(sender.endpoint.address)
      return verify(run, from: sender)
    case .probing, .taking, .pausing, .over: return outOfTurn()
    }
  }

  /// A run has been committed.
  mutating func taken() -> Effect {
    guard case .taking(let sender) = stage else { return outOfTurn() }
    if isComplete { return over(.finish) }
    guard !sender.isLost, trust.height <= sender.newest else { return probe() }
    stage = .receiving(sender, Run())
    return .receive
  }

  /// The pause is over.
  mutating func paused() -> Effect {
    guard case .pausing = stage else { return outOfTurn() }
    return probe()
  }

  // MARK: Steps

  private var isComplete: Bool { last.map { trust.height > $0 } ?? false }

  private mutating func probe() -> Effect {
    let asked = OrdererEndpoint.all(in: endpoints.bundle(inForce: trust.bundle))
    guard !asked.isEmpty else {
      return over(.fail(PullFailure([:])))
    }
    stage = .probing
    return .probe(asked)
  }

  private mutating func nobodyAnswered(_ answers: [OrdererEndpoint: Probe]) -> Effect {
    let failure = PullFailure(answers)
    return failure == .forbidden ? over(.fail(failure)) : attemptFailed(failure)
  }

  private mutating func choose(among having: [Sender], _ pick: UInt64) -> Sender? {
    var candidates = having.filter { !distrusted.contains($0.endpoint.address) }
    if candidates.isEmpty { candidates = having }
    var fresh = candidates.filter { !failed.contains($0.endpoint.address) }
    if fresh.isEmpty {
      failed = []
      fresh = candidates
    }
    return fresh.isEmpty ? nil : fresh[Int(pick % UInt64(fresh.count))]
  }

  private mutating func verify(_ run: Run, from sender: Sender) -> Effect {
    var trust = trust
    do {
      for block in run.blocks { try trust.advance(over: block) }
    } catch {
      distrusted.insert(sender.endpoint.address)
      return attemptFailed(.invalid("\(sender.endpoint) sent \(error)"))
    }
    self.trust = trust
    failedAttempts = 0
    if !sender.isLost { failed = [] }
    stage = .taking(sender)
    return .take(run.blocks)
  }

  private mutating func senderFailed(_ sender: Sender, _ reason: String) -> Effect {
    failed.insert(sender.endpoint.address)
    return attemptFailed(.unavailable("\(sender.endpoint): \(reason)"))
  }

  private mutating func attemptFailed(_ failure: PullFailure) -> Effect {
    failedAttempts += 1
    if let attempts = limits.attempts, failedAttempts >= attempts { return over(.fail(failure)) }
    stage = .pausing
    return .pause(limits.retryTimeout)
  }

  private mutating func over(_ effect: Effect) -> Effect {
    stage = .over
    return effect
  }

  /// An input that nothing asked for is a fault of the caller, and ends this pull alone.
  private mutating func outOfTurn() -> Effect {
    over(.fail(.unavailable("internal error: a step of the pull was out of turn")))
  }
}

extension PullFailure {
  /// Why nobody sends blocks, of those who were asked for their newest one.
  init(_ answers: [OrdererEndpoint: PullCore.Probe]) {
    if answers.values.contains(.forbidden) {
      self = .forbidden
      return
    }
    let reasons = answers.sorted { $0.key.address < $1.key.address }.compactMap {
      endpoint, answer in
      switch answer {
      case .unavailable: "\(endpoint): SERVICE_UNAVAILABLE"
      case .failed(let reason): "\(endpoint): \(reason)"
      case .newest, .forbidden: String?.none
      }
    }
    self = .unavailable(
      reasons.isEmpty
        ? "the channel's configuration names no orderer's address"
        : reasons.joined(separator: "; "))
  }
}

/// Who is asked for blocks while configurations go by.
package enum EndpointChoice: Sendable {
  /// Those of the configuration in force behind the blocks that are here.
  case following(ConfigBundle)
  /// Those of one configuration, whatever comes: that of a join block, up to that block.
  case fixed(ConfigBundle)

  func bundle(inForce bundle: ConfigBundle?) -> ConfigBundle {
    switch self {
    case .following(let first): bundle ?? first
    case .fixed(let fixed): fixed
    }
  }
}
