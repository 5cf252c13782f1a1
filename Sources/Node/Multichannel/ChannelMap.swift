// What the registrar knows, as one value under one lock.

import Followers
import Ordering
import SystemChannel

/// The channels of this node by name, and where a message goes.
struct ChannelMap: Sendable {
  typealias State = ChannelState<Channel, Follower>

  private(set) var life = RegistrarLife.made
  private(set) var states: [String: State] = [:]
  private(set) var system = SystemChannelKnowledge()
  /// The system channel, if a cluster orders it. Channels that this node does not order are tracked then.
  private(set) var clusterSystemChannel: String?

  /// What is told of a system channel that was joined.
  static let restartIsNeeded = "system channel creation pending: server requires restart"

  /// Where to process a message.
  enum Route {
    case channel(Channel)
    case unavailable(ChannelUnavailable)
    /// There is no such channel, nor a system channel that could create it.
    case nowhere
  }

  /// The channel that a message names, or the system channel if none of that name is ordered here.
  func route(to name: String) -> Route {
    switch states[name].flatMap(Registrar.Entry.init) {
    case .channel(let channel): return .channel(channel)
    case .unavailable(let reason):
      return .unavailable(ChannelUnavailable(channelID: name, reason: reason))
    case .follower, nil: break
    }
    guard let suspect = system.suspect else { return .nowhere }
    let (system, doubt) =
      switch suspect {
      case .certain(let name): (name, "is")
      case .possible(let name): (name, "may be")
      }
    switch states[system].flatMap(Registrar.Entry.init) {
    case .channel(let channel): return .channel(channel)
    case .unavailable(let reason):
      return .unavailable(
        ChannelUnavailable(
          channelID: system,
          reason: "\(reason) (it \(doubt) the system channel, which creates channels)"))
    case .follower, nil: return .nowhere
    }
  }

  /// The registrar begins to open its ledgers.
  mutating func open() throws(RegistrarError) { try life.open() }

  /// These ledgers are being opened.
  mutating func open(_ names: [String]) {
    for name in names { states[name] = .opening(obstacle: nil) }
    system.expect(names)
  }

  /// The channels that were opened in time have started.
  mutating func serve() { life.serve() }

  mutating func halt() { life.halt() }

  /// A channel's configuration was read.
  ///
  /// - Parameter isOfCluster: Whether a cluster orders the channel.
  /// - Throws: `SecondSystemChannel`
  mutating func read(
    _ name: String, isSystemChannel: Bool, isOfCluster: Bool = false
  ) throws(SecondSystemChannel) {
    try system.read(name, isSystemChannel: isSystemChannel)
    if isSystemChannel, isOfCluster { clusterSystemChannel = name }
  }

  /// Changes what a channel is by one of the state's own transitions.
  mutating func change(
    _ name: String, _ transition: (inout State) throws(IllegalTransition) -> Void
  ) throws(IllegalTransition) {
    guard var state = states[name] else {
      throw IllegalTransition(description: "a channel that does not exist cannot change")
    }
    try transition(&state)
    states[name] = state
  }

  /// Channels that Kafka orders here beside a system channel that a cluster orders. Others may have moved them on, and
  /// their brokers be gone.
  var leftBehind: [String: Channel] {
    if clusterSystemChannel == nil { return [:] }
    return states.compactMapValues { state in
      guard case .ordering(let channel) = state, channel.bundle.orderer?.consensusType == "kafka"
      else { return nil }
      return channel
    }
  }

  /// A channel was created.
  mutating func add(_ channel: Channel, isTracked: Bool) throws(IllegalTransition) {
    guard states[channel.id] == nil else {
      throw IllegalTransition(description: "a channel that exists cannot be created")
    }
    states[channel.id] = isTracked ? .tracking(channel) : .ordering(channel)
  }

  /// The tracked channels by name.
  var tracked: [String: Channel] {
    states.compactMapValues { if case .tracking(let channel) = $0 { channel } else { nil } }
  }

  /// A channel is going to be joined, if that is allowed (Fabric: `Registrar.JoinChannel`).
  mutating func beginJoin(
    _ name: String, isSystemChannel: Bool
  ) throws(ParticipationRefusal) {
    switch states[name] {
    case .beingRemoved(.underWay): throw .pendingRemoval
    case .beingRemoved(.failed): throw .removalFailed
    default: break
    }
    if case .found = system { throw .systemChannelExists }
    guard states[name] == nil else { throw .alreadyExists }
    if isSystemChannel, !states.isEmpty { throw .applicationChannelsExist }
    guard life == .serving else { throw .other("the orderer is starting or stopping") }
    states[name] = .joining
  }

  /// A channel is going to be removed, if that is allowed (Fabric: `Registrar.RemoveChannel`).
  ///
  /// - Returns: What it was.
  mutating func beginRemoval(_ name: String) throws(ParticipationRefusal) -> State {
    guard var state = states[name] else {
      if case .found = system { throw .systemChannelExists }
      throw .doesNotExist
    }
    if case .beingRemoved(.underWay) = state { throw .pendingRemoval }
    if case .found(let system) = system {
      guard system == name else { throw .systemChannelExists }
      guard isSystemChannelRemovable(state) else {
        throw .other(Self.systemChannelStays(state, name))
      }
    }
    let was = state
    do {
      try state.remove(was: state.participation)
    } catch { throw .other("\(error)") }
    states[name] = state
    return was
  }

  /// One that a cluster orders, or will order after a restart.
  private func isSystemChannelRemovable(_ state: State) -> Bool {
    switch state {
    case .awaitingRestart, .beingRemoved(.failed): true
    case .ordering, .tracking: clusterSystemChannel != nil
    default: false
    }
  }

  private static func systemChannelStays(_ state: State, _ name: String) -> String {
    let type =
      if case .ordering(let channel) = state {
        channel.bundle.orderer?.consensusType ?? ""
      } else {
        ""
      }
    return "cannot remove \(type) system channel: \(name)"
  }

  /// The next of the tracked channels is being removed, together with the system channel.
  ///
  /// - Returns: Its name; nil if none is left.
  mutating func beginRemovalOfTracked() -> String? {
    guard let (name, channel) = tracked.min(by: { $0.key < $1.key }) else { return nil }
    channel.tip.fail("the channel was removed from this orderer")
    states[name] = .beingRemoved(.underWay(was: channel.chain.participation))
    return name
  }

  /// A removal that an earlier process began is under way.
  mutating func addUnfinishedRemoval(_ name: String) {
    states[name] = .beingRemoved(
      .underWay(was: ParticipationStatus(relation: .other, status: .inactive)))
  }

  /// Nothing is left of a channel.
  mutating func forget(_ name: String) throws(IllegalTransition) {
    try states[name]?.checkCanBeForgotten()
    states[name] = nil
    system.forget(name)
    if clusterSystemChannel == name { clusterSystemChannel = nil }
  }
}

extension Registrar.Entry {
  /// nil if the channel is not there for clients (yet, or any more).
  init?(_ state: ChannelMap.State) {
    switch state {
    case .ordering(let channel), .tracking(let channel): self = .channel(channel)
    case .awaitingRestart: self = .unavailable(ChannelMap.restartIsNeeded)
    case .following(let follower): self = .follower(follower)
    case .opening(let obstacle): self = .unavailable(obstacle ?? "its ledger is being opened")
    case .failed(let reason): self = .unavailable(reason)
    case .joining, .beingRemoved: return nil
    }
  }
}
