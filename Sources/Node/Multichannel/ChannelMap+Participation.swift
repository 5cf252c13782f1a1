// What is told of channels, and which of them answers.

import Followers
import Ordering

extension ChannelMap {
  /// The channels by name; those that are being joined are not there yet.
  var names: ChannelNames {
    let system: String? = if case .found(let name) = system { name } else { nil }
    let others = states.filter { name, state in
      if case .joining = state { false } else { name != system }
    }
    return ChannelNames(system: system, channels: others.keys.sorted())
  }

  /// What this node is to a channel; nil if there is none of that name.
  func info(_ name: String) -> ChannelInfo? {
    guard let state = states[name] else { return nil }
    if case .joining = state { return nil }
    return ChannelInfo(name: name, participation: state.participation, height: state.height)
  }

  /// The channel of a name, if it is ordered here.
  func ordered(_ name: String) throws(ParticipationRefusal) -> Channel {
    switch states[name] {
    case .ordering(let channel), .tracking(let channel): return channel
    case .awaitingRestart: throw .other(ChannelMap.restartIsNeeded)
    case .following: throw .notReady
    case .beingRemoved(.underWay): throw .pendingRemoval
    case .beingRemoved(.failed): throw .removalFailed
    case .joining, nil: throw .doesNotExist
    case .opening(let obstacle):
      throw .other("channel \(name) is not available: \(obstacle ?? "its ledger is being opened")")
    case .failed(let reason): throw .other("channel \(name) is not available: \(reason)")
    }
  }
}

extension ChannelState where Ordering == Channel, Following == Follower {
  /// What this node is to the channel.
  var participation: ParticipationStatus {
    switch self {
    case .ordering(let channel), .tracking(let channel): channel.chain.participation
    case .awaitingRestart: ParticipationStatus(relation: .consenter, status: .inactive)
    case .following(let follower): follower.participation
    case .opening(nil), .joining: ParticipationStatus(relation: .other, status: .inactive)
    case .opening, .failed: ParticipationStatus(relation: .other, status: .failed)
    case .beingRemoved(.underWay(let was)): was
    case .beingRemoved(.failed(let was, _)):
      ParticipationStatus(relation: was.relation, status: .failed)
    }
  }

  /// Blocks that are here and can be told of.
  var height: UInt64 {
    switch self {
    case .ordering(let channel), .tracking(let channel): channel.tip.height
    case .awaitingRestart(let height): height
    case .following(let follower): follower.height
    case .opening, .joining, .failed, .beingRemoved: 0
    }
  }
}
