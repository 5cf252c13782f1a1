// What the connections of a server share: routes, bounds, and the list of them.

import Logging
import NIOCore
import Synchronization

final class HTTPServerEnvironment: Sendable {
  let limits: HTTPServerLimits
  let router = HTTPRouter()
  let logger: Logger
  let isEncrypted: Bool

  private struct State {
    var connections: [ObjectIdentifier: any Channel] = [:]
    var isAccepting = true
    var handlers = 0
    var pendingResponseBytes = 0
  }

  private let state = Mutex(State())
  private let notices = NoticeAllowance()

  init(limits: HTTPServerLimits, isEncrypted: Bool, logger: Logger) {
    self.limits = limits
    self.isEncrypted = isEncrypted
    self.logger = logger
  }

  // MARK: Connections

  var connectionCount: Int { state.withLock { $0.connections.count } }
  var handlerCount: Int { state.withLock { $0.handlers } }
  var pendingResponseBytes: Int { state.withLock { $0.pendingResponseBytes } }

  /// Counts a connection in until its channel closes; false when there are too many, or the server is
  /// stopping.
  func admit(_ channel: any Channel) -> Bool {
    let id = ObjectIdentifier(channel)
    let isAdmitted = state.withLock { state in
      guard state.isAccepting, state.connections.count < limits.connections else { return false }
      state.connections[id] = channel
      return true
    }
    guard isAdmitted else { return false }
    channel.closeFuture.whenComplete { _ in
      self.state.withLock { $0.connections[id] = nil }
    }
    return true
  }

  /// From now on admits none; returns those that are there.
  func stopAccepting() -> [any Channel] {
    state.withLock { state in
      state.isAccepting = false
      return Array(state.connections.values)
    }
  }

  // MARK: Bounds

  /// Counts a handler in; false when there are too many.
  func beginHandler() -> Bool {
    state.withLock { state in
      guard state.handlers < limits.handlers else { return false }
      state.handlers += 1
      return true
    }
  }

  func endHandler() { state.withLock { $0.handlers -= 1 } }

  /// Counts bytes in that a client is to take. A single response may be larger than the bound.
  func reserve(_ bytes: Int) -> Bool {
    state.withLock { state in
      guard
        state.pendingResponseBytes == 0
          || state.pendingResponseBytes + bytes <= limits.pendingResponseBytes
      else { return false }
      state.pendingResponseBytes += bytes
      return true
    }
  }

  func release(_ bytes: Int) { state.withLock { $0.pendingResponseBytes -= bytes } }

  // MARK: Log

  /// Warns of something that clients can bring about as often as they like.
  func warn(_ text: String, _ metadata: Logger.Metadata = [:]) {
    guard let left = notices.take() else { return }
    logger.warning("\(text)", metadata: metadata)
    if left == 0 {
      logger.warning("Further warnings about clients are left out for \(NoticeAllowance.interval)")
    }
  }
}

/// How many warnings clients can cause in a time.
final class NoticeAllowance: Sendable {
  static let interval = Duration.seconds(60)
  static let perInterval = 50

  private let state = Mutex((start: ContinuousClock.now, left: NoticeAllowance.perInterval))

  /// How many are left after this one; nil if this one is too many.
  func take() -> Int? {
    state.withLock { state in
      if ContinuousClock.now - state.start > Self.interval {
        state = (ContinuousClock.now, Self.perInterval)
      }
      guard state.left > 0 else { return nil }
      state.left -= 1
      return state.left
    }
  }
}
