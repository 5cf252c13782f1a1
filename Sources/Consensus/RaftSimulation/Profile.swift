// What a schedule is like: everything that is drawn once, from its seed.

import RaftCore

/// The size of a group, its settings, and how bad its network, disks and operators are.
package struct Profile {
  /// What may go wrong besides crashes and the network.
  package enum Kind: Sendable {
    /// Disks keep what they have synced: all guarantees hold.
    case sound
    /// A disk may lose what it has synced. Nothing is guaranteed, but no core may trap.
    case losesDisks
    /// Somebody sends arbitrary messages. Nothing is guaranteed, but no core may trap.
    case nonsense
  }

  /// How the membership changes.
  enum Changes {
    case none
    /// One node at a time, as Fabric does. Snapshots are sent with the membership of now.
    case simple
    /// Any number at a time. Snapshots are sent with the membership that they hold.
    case joint
  }

  /// How long a tick of a right clock takes: the unit of all times here is a hundredth of that.
  static let tick = 100
  static let maximumVoters = 7
  static let maximumMachines = 11

  package let kind: Kind
  let nodes: Int
  /// Ticks until faults stop.
  let length: Int
  let changes: Changes
  /// All but the number is the same for all nodes.
  let configuration: RaftCore.Configuration
  let network: NetworkQuality
  let syncTime: ClosedRange<Int>
  /// Of a thousand syncs.
  let failedSyncs: Int
  let applyTime: ClosedRange<Int>
  let downTime: ClosedRange<Int>
  /// Effects until a crash between two of them; nil: none.
  let fuse: ClosedRange<Int>?
  let timeBetweenTroubles: ClosedRange<Int>
  let timeBetweenProposals: ClosedRange<Int>
  /// Of a thousand times that entries were applied.
  let snapshots: Int
  let clocks: ClosedRange<Int>
  /// Whether shells take no proposals while the membership changes, as Fabric's do.
  let waitsForChanges: Bool

  init(_ kind: Kind, _ dice: inout Dice) {
    self.kind = kind
    nodes =
      dice.weighted([(4, 1), (8, 2), (40, 3), (10, 4), (28, 5), (4, 6), (6, 7)]) ?? 3
    length = dice.within(20...dice.within(40...180))
    changes = dice.weighted([(30, .none), (40, .simple), (30, .joint)]) ?? .none
    waitsForChanges = dice.chance(600)
    configuration = Self.configuration(waitsForChanges: waitsForChanges, &dice)
    network = NetworkQuality(&dice)
    syncTime = dice.pick([1...3, 1...20, 5...80, 50...400]) ?? 1...3
    failedSyncs = dice.pick([0, 0, 5, 30]) ?? 0
    applyTime = dice.pick([1...2, 1...30, 20...300]) ?? 1...2
    downTime = dice.pick([1...20, 10...300, 100...3000]) ?? 10...300
    fuse = dice.pick([nil, nil, 5...60, 1...300, 50...1000]) ?? nil
    timeBetweenTroubles = dice.pick([30...150, 100...400, 300...1500]) ?? 100...400
    timeBetweenProposals = dice.pick([10...60, 50...200, 200...600]) ?? 50...200
    snapshots = dice.pick([0, 20, 100, 400]) ?? 0
    clocks = dice.pick([100...100, 95...105, 70...140]) ?? 100...100
  }

  private static func configuration(
    waitsForChanges: Bool, _ dice: inout Dice
  ) -> RaftCore.Configuration {
    var configuration = RaftCore.Configuration(id: 1)
    configuration.electionTick = dice.pick([3, 3, 4, 5, 6, 10]) ?? 10
    configuration.heartbeatTick = dice.chance(800) ? 1 : 2
    configuration.maxMessageSize = dice.pick([0, 60, 300, 1 << 20]) ?? 0
    configuration.maxApplyingSize = dice.pick([1, 80, 1000, 4 << 20]) ?? 1
    configuration.maxUncommittedSize = dice.pick([40, 400, .max, .max]) ?? .max
    configuration.maxInflightMessages = dice.pick([1, 2, 5, 256]) ?? 1
    if dice.chance(200) {
      configuration.maxInflightSize = configuration.maxMessageSize + 1 + dice.below(200)
    }
    configuration.tailSize = dice.pick([0, 60, 400, 1 << 20]) ?? 0
    // Fabric has both.
    let isFabric = dice.chance(700)
    configuration.preVote = isFabric || dice.chance(500)
    configuration.checkQuorum = isFabric || dice.chance(500)
    // What comes from elsewhere, a shell cannot let wait.
    configuration.disableProposalForwarding = waitsForChanges || dice.chance(500)
    configuration.stepDownOnRemoval = dice.chance(500)
    return configuration
  }

  /// The longest time without a leader after which a node campaigns, in ticks.
  var electionTimeout: Int { 2 * configuration.electionTick - 1 }
}
