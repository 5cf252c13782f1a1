// What the connections of a server share: routes, bounds, and what is running.

import Concurrency
import GoText
import Logging
import NIOCore
import Sockets
import Synchronization

final class HTTPServerEnvironment: Sendable {
  let limits: HTTPServerLimits
  let router = HTTPRouter()
  let registry: ServerRegistry
  let logger: Logger
  let isEncrypted: Bool
  private let time: any TimeSource
  /// The wall clock.
  let now: @Sendable () -> UnixTime
  private let responseBytes = Mutex(0)
  private let notices: Mutex<NoticeAllowance>

  init(
    limits: HTTPServerLimits, isEncrypted: Bool, time: any TimeSource,
    now: @escaping @Sendable () -> UnixTime = UnixTime.now, logger: Logger
  ) {
    self.now = now
    self.limits = limits
    self.isEncrypted = isEncrypted
    self.time = time
    self.logger = logger
    registry = ServerRegistry(
      maximumConnections: limits.connections, maximumHandlers: limits.handlers)
    notices = Mutex(NoticeAllowance(since: time.now))
  }

  // MARK: Bounds

  /// Bytes of responses that clients have not taken yet.
  var pendingResponseBytes: Int { responseBytes.withLock { $0 } }

  /// Counts bytes in that a client is to take. A single response may be larger than the bound.
  func reserve(_ bytes: Int) -> Bool {
    responseBytes.withLock { pending in
      guard pending == 0 || pending + bytes <= limits.pendingResponseBytes else { return false }
      pending += bytes
      return true
    }
  }

  func release(_ bytes: Int) {
    responseBytes.withLock { pending in
      assert(bytes <= pending, "more is released than was reserved")
      pending -= bytes
    }
  }

  // MARK: Log

  /// Warns of something that clients can bring about as often as they like.
  func warn(_ text: String, _ metadata: Logger.Metadata = [:]) {
    guard let left = notices.withLock({ $0.take(at: time.now) }) else { return }
    logger.warning("\(text)", metadata: metadata)
    if left == 0 {
      logger.warning("Further warnings about clients are left out for \(NoticeAllowance.interval)")
    }
  }
}

/// How many warnings clients can cause in a time.
struct NoticeAllowance {
  static let interval = Duration.seconds(60)
  static let perInterval = 50

  private var start: TimeSource.Instant
  private var left = NoticeAllowance.perInterval

  init(since start: TimeSource.Instant) { self.start = start }

  /// How many are left after this one; nil if this one is too many.
  mutating func take(at now: TimeSource.Instant) -> Int? {
    if now - start > Self.interval { self = NoticeAllowance(since: now) }
    guard left > 0 else { return nil }
    left -= 1
    return left
  }
}
