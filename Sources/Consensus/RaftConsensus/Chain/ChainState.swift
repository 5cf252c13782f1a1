// What a Raft chain is to its clients, as one value.

import Ordering

/// How far a chain is, and whether it takes messages.
package struct ChainState: Sendable {
  /// Submitters that wait for a leader; further ones are told SERVICE_UNAVAILABLE.
  static let maximumWaitingSubmitters = 10_000
  /// What clients are told while nobody leads.
  package static let noLeader = "no Raft leader"

  enum Phase: Sendable {
    /// Made, not started. → opening, halted
    case idle
    /// The log is being opened. → running, watching, failed, halted
    case opening(Task<Void, Never>)
    /// It takes part in the order. → watching, failed, halted
    case running(Task<Void, Never>, Standing)
    /// What it promised is lost, so that it takes no part any more. It writes what others order. → failed, halted
    case watching(Task<Void, Never>, reason: String)
    /// It cannot go on. The task, if there was one, may still close the log. → halted
    case failed(Task<Void, Never>?, reason: String)
    /// It was told to end. The task, if there was one, still writes what it has. Final.
    case halted(Task<Void, Never>?)
  }

  /// Who orders the channel, as far as this node knows.
  package enum Standing: Sendable, Equatable {
    /// There will be a leader in a moment: clients wait.
    case electing
    /// This node.
    case leading
    /// Another node, which this one hands messages on to.
    case following
    /// Nobody.
    case leaderless
    /// Others: this node is no consenter any more, and its channel halts this chain soon.
    case ceased(reason: String)
    /// Another consensus type, once the node is started again.
    case migrated(to: String)
  }

  private(set) var phase = Phase.idle
  /// Why the log does not take entries; nil while it does.
  private(set) var obstruction: String?
  /// Whether the ledger does not take blocks.
  private(set) var isLedgerObstructed = false
  /// Whether another node should lead, since this one is about to stop.
  private(set) var givesWay = false
  /// Clients that wait for a leader.
  private(set) var waiting = 0

  package init() {}

  // MARK: Life

  /// Begins the chain's task, the first time this is called.
  package mutating func start(_ task: () -> Task<Void, Never>) {
    if case .idle = phase { phase = .opening(task()) }
  }

  /// The log is open, or who leads has changed.
  package mutating func take(_ standing: Standing) {
    switch phase {
    case .running(_, .migrated), .running(_, .ceased): break
    case .opening(let task), .running(let task, _): phase = .running(task, standing)
    case .idle, .watching, .failed, .halted: break
    }
  }

  /// What this node promised is lost.
  mutating func watch(_ reason: String) {
    switch phase {
    case .opening(let task), .running(let task, _): phase = .watching(task, reason: reason)
    case .idle, .watching, .failed, .halted: break
    }
  }

  /// The chain cannot go on. The first reason stays, and a chain that was halted is just that.
  package mutating func fail(_ reason: String) {
    switch phase {
    case .idle: phase = .failed(nil, reason: reason)
    case .opening(let task), .running(let task, _), .watching(let task, _):
      phase = .failed(task, reason: reason)
    case .failed, .halted: break
    }
  }

  /// Takes nothing more.
  ///
  /// - Returns: The task that still has to end.
  package mutating func halt() -> Task<Void, Never>? {
    switch phase {
    case .idle: phase = .halted(nil)
    case .opening(let task), .running(let task, _), .watching(let task, _): phase = .halted(task)
    case .failed(let task, _): phase = .halted(task)
    case .halted: break
    }
    if case .halted(let task) = phase { return task }
    return nil
  }

  var isHalted: Bool { if case .halted = phase { true } else { false } }
  package var isLeading: Bool { if case .running(_, .leading) = phase { true } else { false } }

  /// Whether nothing more is written to the log.
  var isOver: Bool {
    switch phase {
    case .idle, .opening, .running: false
    case .watching, .failed, .halted: true
    }
  }

  package mutating func giveWay() { givesWay = true }

  mutating func obstruct(_ reason: String?) { obstruction = reason }
  mutating func obstructLedger(_ isObstructed: Bool) { isLedgerObstructed = isObstructed }

  /// Whether clients that wait for room in the queue should be sent away: it may not come soon.
  var isImpatient: Bool {
    if case .running(_, .leaderless) = phase { return true }
    return obstruction != nil || isLedgerObstructed
  }

  // MARK: Clients

  /// Whether a client's messages are taken; nil if that is not known yet.
  package func admission(channelID: String) -> Result<Void, ChainError>? {
    switch phase {
    case .opening where obstruction != nil:
      .failure(.unavailable(channelID: channelID, reason: obstruction ?? Self.noLeader))
    case .idle, .opening, .running(_, .electing): nil
    case .running(_, .leaderless):
      .failure(.unavailable(channelID: channelID, reason: Self.noLeader))
    case .running(_, .migrated(let type)):
      .failure(
        .unavailable(
          channelID: channelID,
          reason: "its consensus type is \(type) now: restart the orderer, which begins to use it"))
    case .running(_, .ceased(let reason)):
      .failure(.unavailable(channelID: channelID, reason: reason))
    case .running(_, .leading), .running(_, .following):
      if let obstruction {
        .failure(.unavailable(channelID: channelID, reason: obstruction))
      } else {
        .success(())
      }
    case .watching(_, let reason), .failed(_, let reason):
      .failure(.failed(channelID: channelID, reason: reason))
    case .halted: .failure(.halted(channelID: channelID))
    }
  }

  /// Why messages of other nodes are not taken; nil if they are, as they are by a chain that ends in an orderly way.
  var clusterRefusal: ClusterRefusal? {
    switch phase {
    case .idle: ClusterRefusal("chain is not started")
    case .watching, .failed: ClusterRefusal("chain is stopped")
    case .opening, .running, .halted: nil
    }
  }

  /// Whether what other nodes hand on is taken; nil if that is not known yet.
  package var foreignAdmission: Result<Void, ClusterRefusal>? {
    switch phase {
    case .idle: .failure(ClusterRefusal("chain is not started"))
    case .opening, .running(_, .electing): nil
    case .running(_, .leading): .success(())
    case .running(_, .following), .running(_, .leaderless):
      .failure(ClusterRefusal(Self.noLeader))
    case .running(_, .migrated), .running(_, .ceased), .watching, .failed, .halted:
      .failure(ClusterRefusal("chain is stopped"))
    }
  }

  /// A client begins to wait; false if too many do.
  mutating func beginWaiting() -> Bool {
    guard waiting < Self.maximumWaitingSubmitters else { return false }
    waiting += 1
    return true
  }

  mutating func endWaiting() { waiting -= 1 }
}
