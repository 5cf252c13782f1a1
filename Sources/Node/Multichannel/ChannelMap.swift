// What the registrar knows, as one value under one lock.

import SystemChannel

/// The channels of this node by name, and where a message goes.
struct ChannelMap: Sendable {
  typealias State = ChannelState<Channel, Never>

  private(set) var life = RegistrarLife.made
  private(set) var states: [String: State] = [:]
  private(set) var system = SystemChannelKnowledge()

  /// Where to process a message.
  enum Route {
    case channel(Channel)
    case unavailable(ChannelUnavailable)
    /// There is no such channel, nor a system channel that could create it.
    case nowhere
  }

  /// The channel that a message names, or the system channel if there is none of that name.
  func route(to name: String) -> Route {
    if let state = states[name] {
      switch Registrar.Entry(state) {
      case .channel(let channel): return .channel(channel)
      case .unavailable(let reason):
        return .unavailable(ChannelUnavailable(channelID: name, reason: reason))
      }
    }
    guard let suspect = system.suspect else { return .nowhere }
    let (system, doubt) =
      switch suspect {
      case .certain(let name): (name, "is")
      case .possible(let name): (name, "may be")
      }
    switch states[system].map(Registrar.Entry.init) {
    case .channel(let channel): return .channel(channel)
    case .unavailable(let reason):
      return .unavailable(
        ChannelUnavailable(
          channelID: system,
          reason: "\(reason) (it \(doubt) the system channel, which creates channels)"))
    case nil: return .nowhere
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
  /// - Throws: `SecondSystemChannel`
  mutating func read(_ name: String, isSystemChannel: Bool) throws(SecondSystemChannel) {
    try system.read(name, isSystemChannel: isSystemChannel)
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

  /// A channel was created.
  mutating func add(_ channel: Channel) throws(IllegalTransition) {
    guard states[channel.id] == nil else {
      throw IllegalTransition(description: "a channel that exists cannot be created")
    }
    states[channel.id] = .ordering(channel)
  }

  /// Nothing is left of a channel.
  mutating func forget(_ name: String) throws(IllegalTransition) {
    try states[name]?.checkCanBeForgotten()
    states[name] = nil
    system.forget(name)
  }
}

extension Registrar.Entry {
  init(_ state: ChannelMap.State) {
    switch state {
    case .ordering(let channel): self = .channel(channel)
    case .opening(let obstacle): self = .unavailable(obstacle ?? "its ledger is being opened")
    case .joining(let obstacle): self = .unavailable(obstacle ?? "it is being joined")
    case .failed(let reason): self = .unavailable(reason)
    case .beingRemoved(.underWay): self = .unavailable("it is being removed")
    case .beingRemoved(.failed(let reason)):
      self = .unavailable("it could not be removed: \(reason)")
    }
  }
}
