// Which keys have a table, and which one gives way.

/// The places for tables and what each is used for. Pure: the caller says how much a key has been used.
///
/// A key only takes another one's place if it is used more than twice as much. So keys that are used alike do
/// not push each other out in turn, however many there are.
struct TableRoster {
  /// Where a key's table is: in one of the places, as long as that one has not been given to another key.
  struct Place: Equatable {
    /// Most places there can be.
    static let maximumCount = 1024

    let index: Int
    /// Differs for each table there ever was.
    let generation: UInt64

    init(index: Int, generation: UInt64) {
      self.index = index
      self.generation = generation
    }

    /// The place that ``word`` stands for; nil for zero.
    init?(word: UInt64) {
      guard word != 0 else { return nil }
      index = Int(word % UInt64(Self.maximumCount))
      generation = word / UInt64(Self.maximumCount)
    }

    /// Not zero, since generations begin with 1.
    var word: UInt64 { generation * UInt64(Self.maximumCount) + UInt64(index) }
  }

  /// The answer to a key that asks for a table.
  enum Answer: Equatable {
    /// There is one.
    case ready(Place)
    /// Make one for this place, then call ``finish(_:)`` or ``abandon(_:)``.
    case build(index: Int)
    /// One is being made.
    case underWay
    /// Keys that have one are used too much to give way.
    case refused
  }

  private enum State: Equatable {
    case free
    case building(point: [UInt8])
    case ready(point: [UInt8], generation: UInt64)
  }

  private var states: [State]
  private var indices: [[UInt8]: Int] = [:]
  private var lastGeneration: UInt64 = 0

  /// A roster with this many places.
  init(count: Int) {
    states = [State](repeating: .free, count: min(count, Place.maximumCount))
  }

  /// How many tables there are.
  var readyCount: Int {
    states.count {
      if case .ready = $0 { true } else { false }
    }
  }

  /// Finds a place for a key's table.
  ///
  /// - Parameters:
  ///   - point: the key.
  ///   - uses: how much it is used.
  ///   - usesOfPlace: how much the table in a place is.
  mutating func request(
    _ point: [UInt8], uses: Int, usesOfPlace: (Int) -> Int
  ) -> Answer {
    if let index = indices[point] {
      guard case .ready(_, let generation) = states[index] else { return .underWay }
      return .ready(Place(index: index, generation: generation))
    }
    guard let index = freeIndex ?? idlest(below: uses, usesOfPlace) else { return .refused }
    if case .ready(let evicted, _) = states[index] { indices[evicted] = nil }
    states[index] = .building(point: point)
    indices[point] = index
    return .build(index: index)
  }

  /// The table has been made.
  mutating func finish(_ index: Int) -> Place? {
    guard case .building(let point) = states[index] else { return nil }
    lastGeneration += 1
    states[index] = .ready(point: point, generation: lastGeneration)
    return Place(index: index, generation: lastGeneration)
  }

  /// The table could not be made.
  mutating func abandon(_ index: Int) {
    guard case .building(let point) = states[index] else { return }
    indices[point] = nil
    states[index] = .free
  }

  private var freeIndex: Int? { states.firstIndex(of: .free) }

  /// The place whose table is used least, if that is less than half as much.
  private func idlest(below uses: Int, _ usesOfPlace: (Int) -> Int) -> Int? {
    var idlest: (index: Int, uses: Int)?
    for (index, state) in states.enumerated() {
      guard case .ready = state else { continue }
      let usesThere = usesOfPlace(index)
      if usesThere * 2 < uses, usesThere < idlest?.uses ?? .max { idlest = (index, usesThere) }
    }
    return idlest?.index
  }
}
