// Which of several clients the next channel takes.

/// Clients that channels share, and how many channels each has.
struct Lanes {
  private(set) var instances: [KafkaInstance]
  private var load = [0]
  private(set) var isClosed = false

  init(first: KafkaInstance) { instances = [first] }

  /// The lane with the fewest channels.
  var leastLoaded: Int {
    var best = 0
    for index in load.indices where load[index] < load[best] { best = index }
    return best
  }

  /// How many channels a lane has.
  func load(of lane: Int) -> Int { load[lane] }

  /// Adds a lane, which has no channels yet, and returns its number.
  mutating func add(_ instance: KafkaInstance) -> Int {
    instances.append(instance)
    load.append(0)
    return instances.count - 1
  }

  /// One more channel has the lane.
  mutating func take(_ lane: Int) -> KafkaInstance {
    load[lane] += 1
    return instances[lane]
  }

  /// A channel has it no longer.
  mutating func release(_ lane: Int) { load[lane] -= 1 }

  /// No lane is to be added any more. The clients, whose threads are to be ended.
  mutating func close() -> [KafkaInstance] {
    isClosed = true
    return instances
  }
}
