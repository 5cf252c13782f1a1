// Which of several clients the next topic takes.

/// Clients that topics share, and how many topics each has.
struct Lanes {
  private(set) var instances: [KafkaInstance]
  private var load = [0]
  private(set) var isClosed = false

  init(first: KafkaInstance) { instances = [first] }

  /// The lane with the fewest topics.
  var leastLoaded: Int {
    var best = 0
    for index in load.indices where load[index] < load[best] { best = index }
    return best
  }

  /// How many topics a lane has.
  func load(of lane: Int) -> Int { load[lane] }

  /// Adds a lane, which has no topics yet, and returns its number.
  mutating func add(_ instance: KafkaInstance) -> Int {
    instances.append(instance)
    load.append(0)
    return instances.count - 1
  }

  /// One more topic takes the lane.
  mutating func take(_ lane: Int) -> KafkaInstance {
    load[lane] += 1
    return instances[lane]
  }

  /// A topic has left the lane.
  mutating func release(_ lane: Int) { load[lane] -= 1 }

  /// Adds no lane from now on.
  ///
  /// - Returns: The clients, whose threads the caller has to end.
  mutating func close() -> [KafkaInstance] {
    isClosed = true
    return instances
  }
}
