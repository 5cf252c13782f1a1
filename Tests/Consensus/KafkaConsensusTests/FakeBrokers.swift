// A topic in memory, whose brokers do what a test tells them.

import Concurrency
import KafkaClient

@testable import KafkaConsensus

/// Brokers without a network, so that chains can be driven by a clock that a test moves.
final class FakeBrokers: ChannelBrokers {
  struct State: Sendable {
    /// The records of the topic, as all who read it see them.
    fileprivate(set) var records: [KafkaRecord] = []
    /// How often somebody has tried to create the topic.
    fileprivate(set) var creations = 0
    /// How often somebody has posted records.
    fileprivate(set) var posts = 0
    /// Why nobody can be reached.
    fileprivate var problem: String?
    fileprivate var creationFailure: KafkaCode?
    fileprivate var postingFailure: KafkaCode?
    /// Whether posts get no answer.
    fileprivate var isSilent = false
    fileprivate var observer: KafkaClient.Observer?
    fileprivate var leaderObserver: LeaderWatch.Observer?
    fileprivate var reader: Reader?

    /// The CONNECT records in the topic.
    var connects: Int { records.count { $0 == .connect } }
  }

  private let state = Watched(State())

  /// The current state.
  var now: State { state.read { $0 } }

  /// Waits until a condition holds.
  func wait(until condition: @escaping @Sendable (State) -> Bool) async {
    await state.wait { condition($0) ? () : nil }
  }

  // MARK: What a test decides

  func failCreations(_ code: KafkaCode?) { state.change { $0.creationFailure = code } }
  func failPosts(_ code: KafkaCode?) { state.change { $0.postingFailure = code } }
  /// Lets posts get no answer.
  func fallSilent() { state.change { $0.isSilent = true } }

  /// Lets all brokers go, or come back (nil), and tells the chain.
  func setProblem(_ problem: String?) {
    let observer = state.change { state in
      state.problem = problem
      return state.observer
    }
    observer?(problem)
  }

  /// Tells the chain that the leader may be out of reach.
  func doubtLeader(_ reason: String) { state.read { $0.leaderObserver }?(reason) }

  /// Hands something to whoever reads, ahead of what comes next in the topic.
  func inject(_ item: TopicReader.Item) { state.read { $0.reader }?.inject(item) }

  // MARK: ChannelBrokers

  var isDown: Bool { problem != nil }
  var problem: String? { state.read { $0.problem } }

  func observe(_ observer: @escaping KafkaClient.Observer) -> UInt {
    state.change { $0.observer = observer }
    return 1
  }

  func stopObserving(_ id: UInt) { state.change { $0.observer = nil } }

  func observeLeader(of topic: String, _ observer: @escaping LeaderWatch.Observer) {
    state.change { $0.leaderObserver = observer }
  }

  func stopObservingLeader(of topic: String) { state.change { $0.leaderObserver = nil } }

  func createTopic(_ name: String) async throws(KafkaError) {
    let failure = state.change { state in
      state.creations += 1
      return state.creationFailure
    }
    if let failure { throw .broker(action: "create the topic \(name)", code: failure) }
  }

  func replicas(of topic: String) async -> String? { nil }
  func writer(of topic: String) throws(KafkaError) -> any TopicWriter { Writer(brokers: self) }

  func reader(of topic: String, wakeUp: WakeUp) throws(KafkaError) -> any TopicReader {
    let reader = Reader(brokers: self, wakeUp: wakeUp)
    state.change { $0.reader = reader }
    return reader
  }

  private struct Writer: TopicWriter {
    let brokers: FakeBrokers

    func post(_ records: [[UInt8]]) -> Delivery { brokers.post(records) }
  }

  private func post(_ posted: [[UInt8]]) -> Delivery {
    let delivery = Delivery(count: posted.count)
    let outcome: (first: Int, reader: Reader?, failure: KafkaCode?)? = state.change { state in
      state.posts += 1
      if state.isSilent { return nil }
      if let failure = state.postingFailure { return (0, nil, failure) }
      let first = state.records.count
      for bytes in posted {
        guard let record = try? bytes.withUnsafeBytes({ try KafkaRecord(serialized: $0) }) else {
          continue
        }
        state.records.append(record)
      }
      return (first, state.reader, nil)
    }
    guard let (first, reader, failure) = outcome else { return delivery }
    reader?.wakeUp.set()
    for index in posted.indices {
      delivery.report(failure, offset: failure == nil ? Int64(first + index) : -1)
    }
    return delivery
  }

  /// Reads the topic.
  final class Reader: TopicReader {
    fileprivate let wakeUp: WakeUp
    private let brokers: FakeBrokers
    /// Offset of the next record; nil while nobody reads.
    private let next = Watched<Int?>(nil)
    private let injected = Watched<[Item]>([])

    fileprivate init(brokers: FakeBrokers, wakeUp: WakeUp) {
      self.brokers = brokers
      self.wakeUp = wakeUp
    }

    fileprivate func inject(_ item: Item) {
      injected.change { $0.append(item) }
      wakeUp.set()
    }

    func start(at offset: Int64) throws(KafkaError) {
      next.change { $0 = Int(offset) }
      wakeUp.set()
    }

    func stop() async { next.change { $0 = nil } }

    func read() -> [Item] {
      let injected = injected.change { items in
        defer { items = [] }
        return items
      }
      guard injected.isEmpty else { return injected }
      return next.change { next in
        guard let first = next else { return [] }
        let records = brokers.now.records.dropFirst(first)
        next = first + records.count
        return zip(first..., records).map { .record($1, offset: Int64($0)) }
      }
    }

    func offsets(timeout: Duration) async -> Range<Int64>? { nil }
  }
}
