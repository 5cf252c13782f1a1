// A group of nodes in a world that a seed makes: the one place where time passes.

import RaftCore

/// One schedule: several cores with their shells, model disks and a model network, driven through troubles and then
/// left in peace. The same seed gives the same schedule, event for event.
package final class Simulation {
  /// What came of a schedule.
  package struct Outcome: Sendable {
    package let seed: UInt64
    package let kind: Profile.Kind
    /// What must not be, if it happened.
    package let problem: String?
    package let events: Int
    package let committed: Int
    package let elections: Int
    package let crashes: Int
    package let changes: Int
    package let snapshots: Int
  }

  /// More would be a schedule that goes in circles.
  private static let maximumEvents = 400_000

  let seed: UInt64
  let profile: Profile
  var dice: Dice
  var queue = EventQueue<Event>()
  var network: ModelNetwork<Message>
  var judge: Judge
  var machines: [Machine] = []
  var now = 0
  /// When faults stopped.
  var healedAt: Int?
  var termAtHealing: Term = 0
  var isOver = false
  var proposals: UInt32 = 0
  /// What clients propose after the healing.
  var lastWishes: [ArraySlice<UInt8>] = []
  /// When they were last proposed.
  var lastTries: [ArraySlice<UInt8>: Int] = [:]
  /// Reads that were asked for, and the index that each must not fall below.
  var readFloors: [LogIndex] = []
  var counts = (events: 0, elections: 0, crashes: 0, changes: 0, snapshots: 0)
  private let print: ((String) -> Void)?

  /// - Parameter print: Takes a line for each event.
  package init(seed: UInt64, print: ((String) -> Void)? = nil) {
    self.seed = seed
    self.print = print
    dice = Dice(seed: seed)
    let kind = dice.weighted([(940, Profile.Kind.sound), (20, .losesDisks), (40, .nonsense)])
    profile = Profile(kind ?? .sound, &dice)
    network = ModelNetwork(profile.network, machines: Profile.maximumMachines)
    let founders = (1...profile.nodes).map { NodeID($0) }
    judge = Judge(isJudging: profile.kind == .sound, founders: founders)
    for node in founders { addMachine(node, isFounder: true) }
  }

  /// Goes through the whole schedule.
  package func run() -> Outcome {
    say("\(profile)")
    for machine in machines { queue.add(.start(machine.place), at: dice.below(Profile.tick)) }
    queue.add(.trouble, at: dice.within(profile.timeBetweenTroubles))
    queue.add(.client, at: dice.within(profile.timeBetweenProposals))
    queue.add(.heal, at: profile.length * Profile.tick)
    while !isOver, judge.problem == nil, let (time, event) = queue.next() {
      now = time
      counts.events += 1
      if counts.events > Self.maximumEvents { judge.failAnyway("no end after so many events") }
      handle(event)
    }
    if let problem = judge.problem { say("PROBLEM: \(problem)") }
    return Outcome(
      seed: seed, kind: profile.kind, problem: judge.problem, events: counts.events,
      committed: judge.committed.count, elections: counts.elections, crashes: counts.crashes,
      changes: counts.changes, snapshots: counts.snapshots)
  }

  private func handle(_ event: Event) {
    switch event {
    case .tick(let place, let life):
      with(place, life) { tick($0, $1) }
    case .deliver(let number): deliver(number)
    case .written(let place, let life):
      with(place, life) { written($0, $1) }
    case .apply(let place, let life):
      with(place, life) { apply($0, $1) }
    case .read(let place, let life, let number):
      with(place, life) { answerRead(number, $0, $1) }
    case .carryOn(let place, let life):
      with(place, life) { machine, life in
        life.isCarryOnDue = false
        carryOn(machine, life)
      }
    case .report(let place, let life, let report):
      with(place, life) { self.report(report, $0, $1) }
    case .start(let place): start(machines[place])
    case .stop(let place, let life):
      with(place, life) { machine, _ in crash(machine, "it was removed") }
    case .trouble: trouble()
    case .client: client()
    case .heal: heal()
    case .attend: attend()
    }
  }

  /// Calls back if a machine still leads the life that an event was meant for.
  private func with(_ place: Int, _ number: Int, _ body: (Machine, Life) -> Void) {
    let machine = machines[place]
    guard let life = machine.life, life.number == number else { return }
    body(machine, life)
  }

  // MARK: Looking at

  func say(_ text: @autoclosure () -> String) {
    if let print { print("\(now)".padded(to: 6) + " " + text()) }
  }

  var isPrinting: Bool { print != nil }

  /// The running nodes.
  var running: [(machine: Machine, life: Life)] {
    machines.compactMap { machine in machine.life.map { (machine, $0) } }
  }

  func machine(of node: NodeID) -> Machine? {
    node >= 1 && node <= NodeID(machines.count) ? machines[Int(node) - 1] : nil
  }

  @discardableResult
  func addMachine(_ id: NodeID, isFounder: Bool) -> Machine {
    let machine = Machine(
      id: id, isFounder: isFounder, tick: Profile.tick * dice.within(profile.clocks) / 100)
    machines.append(machine)
    return machine
  }
}

extension String {
  func padded(to width: Int) -> String {
    String(repeating: " ", count: max(width - count, 0)) + self
  }
}
