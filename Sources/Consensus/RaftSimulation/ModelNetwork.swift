// A network that loses, repeats, delays and reorders messages, and is cut one way or both.

/// How bad a network is.
struct NetworkQuality {
  /// Of a thousand messages.
  let lost: Int
  let repeated: Int
  let late: Int
  let delay: ClosedRange<Int>
  let lateDelay: ClosedRange<Int>

  init(_ dice: inout Dice) {
    lost = dice.pick([0, 10, 50, 200]) ?? 0
    repeated = dice.pick([0, 10, 100]) ?? 0
    late = dice.pick([0, 20, 100, 300]) ?? 0
    delay = dice.pick([1...3, 1...20, 5...60, 50...150]) ?? 1...3
    lateDelay = dice.pick([10...200, 100...1000, 300...3000]) ?? 10...200
  }

  private init() {
    (lost, repeated, late) = (0, 0, 0)
    delay = 1...3
    lateDelay = 1...3
  }

  static let good = NetworkQuality()
}

struct ModelNetwork<Message> {
  /// More would be a storm.
  static var maximumInFlight: Int { 20_000 }

  var quality: NetworkQuality
  private var cuts: [[Bool]]
  private var messages: [Message?] = []
  private var free: [Int] = []
  var inFlight: Int { messages.count - free.count }

  init(_ quality: NetworkQuality, machines: Int) {
    self.quality = quality
    cuts = Array(repeating: Array(repeating: false, count: machines), count: machines)
  }

  // MARK: Messages

  func isCut(from: Int, to: Int) -> Bool { cuts[from][to] }

  mutating func keep(_ message: Message) -> Int {
    guard let place = free.popLast() else {
      messages.append(message)
      return messages.count - 1
    }
    messages[place] = message
    return place
  }

  /// Nil if it was lost on its way.
  mutating func take(_ place: Int) -> Message? {
    let message = messages[place]
    messages[place] = nil
    free.append(place)
    return message
  }

  mutating func loseAll() {
    for place in messages.indices { messages[place] = nil }
  }

  mutating func delay(_ dice: inout Dice) -> Int {
    dice.within(dice.chance(quality.late) ? quality.lateDelay : quality.delay)
  }

  // MARK: Cuts

  mutating func cut(from: Int, to: Int) { cuts[from][to] = true }

  mutating func cutBetween(_ isOnOneSide: (Int) -> Bool) {
    for from in cuts.indices {
      for to in cuts.indices where isOnOneSide(from) != isOnOneSide(to) { cuts[from][to] = true }
    }
  }

  mutating func heal() {
    for from in cuts.indices {
      for to in cuts.indices { cuts[from][to] = false }
    }
  }
}
