// What will happen, in the order of time.

/// Something that happens to one machine of a group of cores, or to all.
enum Event {
  /// A machine's clock ticks.
  case tick(Int, life: Int)
  case deliver(message: Int)
  /// A machine's disk is done with what it was doing.
  case written(Int, life: Int)
  case apply(Int, life: Int)
  /// The disk has read what a node asked for.
  case read(Int, life: Int, number: UInt64)
  /// What is ready is looked at later than what made it ready.
  case carryOn(Int, life: Int)
  case report(Int, life: Int, Report)
  case start(Int)
  /// A removed node stops by itself.
  case stop(Int, life: Int)
  case trouble
  case client
  case heal
  case attend

  enum Report {
    case unreachable(node: UInt64)
    case snapshot(node: UInt64, arrived: Bool)
  }
}

/// A heap of events by time, and among those of one time by when they were added.
struct EventQueue<Event> {
  private struct Timed {
    let time: Int
    let order: Int
    let event: Event

    func isBefore(_ other: Timed) -> Bool {
      time < other.time || time == other.time && order < other.order
    }
  }

  private var heap: [Timed] = []
  private var order = 0

  mutating func add(_ event: Event, at time: Int) {
    order += 1
    heap.append(Timed(time: time, order: order, event: event))
    var place = heap.count - 1
    while place > 0 {
      let parent = (place - 1) / 2
      guard heap[place].isBefore(heap[parent]) else { break }
      heap.swapAt(place, parent)
      place = parent
    }
  }

  mutating func next() -> (time: Int, event: Event)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink()
    }
    return (first.time, first.event)
  }

  private mutating func sink() {
    var place = 0
    while true {
      var smallest = place
      let left = 2 * place + 1
      if left < heap.count, heap[left].isBefore(heap[smallest]) { smallest = left }
      if left + 1 < heap.count, heap[left + 1].isBefore(heap[smallest]) { smallest = left + 1 }
      if smallest == place { return }
      heap.swapAt(place, smallest)
      place = smallest
    }
  }
}
