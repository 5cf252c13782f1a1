// The append messages to one follower that are on their way.

/// A window of unanswered messages, each known by its last entry's index. Bounds their count, and softly their size:
/// one message may go beyond.
package struct Inflights: Equatable, Sendable {
  private struct Flight: Equatable, Sendable {
    let last: LogIndex
    let size: Int
  }

  private let maximumCount: Int
  private let maximumSize: Int
  private var flights: [Flight] = []
  /// Flights before it are answered.
  private var head = 0
  private var size = 0

  init(maximumCount: Int, maximumSize: Int) {
    self.maximumCount = maximumCount
    self.maximumSize = maximumSize
  }

  package var count: Int { flights.count - head }
  package var isFull: Bool { count >= maximumCount || size >= maximumSize }

  /// Adds a message behind all others, if there is room.
  mutating func add(last: LogIndex, size: Int) {
    guard !isFull else { return }
    flights.append(Flight(last: last, size: size))
    self.size += size
  }

  /// Takes out what an answer up to an index covers.
  mutating func free(through index: LogIndex) {
    while head < flights.count, flights[head].last <= index {
      size -= flights[head].size
      head += 1
    }
    guard head > 0, head * 2 >= flights.count else { return }
    flights.removeFirst(head)
    head = 0
  }

  mutating func reset() {
    flights.removeAll(keepingCapacity: true)
    head = 0
    size = 0
  }
}
