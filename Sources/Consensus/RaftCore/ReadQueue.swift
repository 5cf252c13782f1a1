// Reads that wait until a quorum has confirmed that their leader still is one.

/// The reads of a leader, in the order in which they were asked for (dissertation, 6.4).
struct ReadQueue: Equatable, Sendable {
  struct Waiting: Equatable, Sendable {
    let request: Message
    let context: ArraySlice<UInt8>
    /// What was committed when the leader was asked.
    let index: LogIndex
    var confirmed: [NodeID]
  }

  private var waiting: [Waiting] = []

  /// What heartbeats carry, so that their answers confirm all reads.
  var newestContext: ArraySlice<UInt8> { waiting.last?.context ?? [] }
  var count: Int { waiting.count }

  mutating func add(_ request: Message, context: ArraySlice<UInt8>, index: LogIndex) {
    guard !waiting.contains(where: { $0.context == context }) else { return }
    waiting.append(Waiting(request: request, context: context, index: index, confirmed: []))
  }

  /// A node answered a heartbeat with a read's context.
  ///
  /// - Returns: Who has confirmed this read by now; nobody, if it waits no longer.
  mutating func confirm(_ context: ArraySlice<UInt8>, by node: NodeID) -> [NodeID] {
    guard let place = waiting.firstIndex(where: { $0.context == context }) else { return [] }
    if !waiting[place].confirmed.contains(node) { waiting[place].confirmed.append(node) }
    return waiting[place].confirmed
  }

  /// Takes out a confirmed read, and all before it.
  mutating func release(through context: ArraySlice<UInt8>) -> [Waiting] {
    guard let place = waiting.firstIndex(where: { $0.context == context }) else { return [] }
    defer { waiting.removeFirst(place + 1) }
    return Array(waiting[...place])
  }
}
