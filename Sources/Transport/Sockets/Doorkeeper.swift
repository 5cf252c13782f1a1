// Lets clients' connections in as long as there is room, and tells the operator when that changes.

import Concurrency
import Logging
import NIOCore

/// Whether connections are refused, and what the operator has to hear about it.
struct DoorState {
  /// Why a connection is not let in.
  enum Obstacle: Equatable {
    /// There are as many connections as there may be.
    case connections(limit: Int)
    /// Of so many descriptors, the node needs those that are left for itself.
    case descriptors(limit: Int)
    /// The system has nothing left to accept with.
    case system(reason: String)
  }

  enum Notice: Equatable {
    case refusing(Obstacle)
    case acceptingAgain(refused: Int)
  }

  private enum State {
    /// → closed
    case open
    /// → open, once a connection is let in and there is room for more
    case closed(refused: Int)
  }

  private var state = State.open

  /// A connection, or the attempt to accept one, met an obstacle.
  mutating func refused(for obstacle: Obstacle) -> Notice? {
    switch state {
    case .open:
      state = .closed(refused: 1)
      return .refusing(obstacle)
    case .closed(let refused):
      state = .closed(refused: refused + 1)
      return nil
    }
  }

  /// A connection was let in.
  ///
  /// - Parameter hasRoom: whether so many more can come that it is worth a line.
  mutating func admitted(hasRoom: Bool) -> Notice? {
    guard hasRoom, case .closed(let refused) = state else { return nil }
    state = .open
    return .acceptingAgain(refused: refused)
  }
}

/// Admits connections to a server: up to its own limit, and never into the reserve of descriptors that
/// the node needs for its files.
package final class Doorkeeper: Sendable {
  private let registry: ServerRegistry
  private let descriptorLimit: @Sendable () -> Int
  private let logger: Logger
  private let door = Watched(DoorState())

  /// - Parameters:
  ///   - registry: counts the connections and knows their limit.
  ///   - descriptorLimit: asked for each connection.
  package init(
    registry: ServerRegistry, logger: Logger,
    descriptorLimit: @escaping @Sendable () -> Int = { DescriptorLimit.current }
  ) {
    self.registry = registry
    self.logger = logger
    self.descriptorLimit = descriptorLimit
  }

  /// Connections that may wait to be judged: half of the node's reserve, since NIO accepts up to three more
  /// in one go.
  var maximumUnderWay: Int { DescriptorLimit.reserve(of: descriptorLimit()) / 2 }

  /// Whether a connection may stay. On its event loop.
  func admit(_ channel: any Channel) -> Bool {
    let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { Int($0) }
    return admit(channel, descriptor: descriptor ?? 0)
  }

  /// - Parameter descriptor: the connection's. Systems give the lowest one that is free, so all below it
  ///   are in use.
  func admit(_ channel: any Channel, descriptor: Int) -> Bool {
    let limit = descriptorLimit()
    let most = limit - DescriptorLimit.reserve(of: limit)
    guard descriptor < most else {
      refuse(for: .descriptors(limit: limit))
      return false
    }
    switch registry.admission(of: channel) {
    case .admitted(let count):
      let hasRoom =
        Self.leavesRoom(count, of: registry.maximumConnections)
        && Self.leavesRoom(descriptor, of: most)
      tell(door.change { $0.admitted(hasRoom: hasRoom) })
      return true
    case .full:
      refuse(for: .connections(limit: registry.maximumConnections))
      return false
    case .stopping:
      return false
    }
  }

  /// The system could not accept a connection.
  func acceptFailed(_ reason: String) { refuse(for: .system(reason: reason)) }

  private func refuse(for obstacle: DoorState.Obstacle) {
    tell(door.change { $0.refused(for: obstacle) })
  }

  /// A tenth, so that a client that comes and goes at the limit does not fill the log.
  private static func leavesRoom(_ count: Int, of limit: Int) -> Bool {
    count <= limit - limit / 10
  }

  private func tell(_ notice: DoorState.Notice?) {
    switch notice {
    case .refusing(.connections(let limit)):
      logger.warning("Refusing connections: the limit of \(limit) connections is reached")
    case .refusing(.descriptors(let limit)):
      logger.warning(
        """
        Refusing connections: of \(limit) file descriptors only those are left that the node needs \
        for itself; raise the limit (ulimit -n, LimitNOFILE)
        """)
    case .refusing(.system(let reason)):
      logger.error("Cannot accept connections: \(reason); trying again until it works")
    case .acceptingAgain(let refused):
      logger.info("Accepting connections again; \(refused) were refused")
    case nil:
      break
    }
  }
}
