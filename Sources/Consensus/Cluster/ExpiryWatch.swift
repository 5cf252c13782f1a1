// Warns of certificates before they expire.

import Concurrency
import GoText

/// The certificate of one stream. A stream outlives it, but the next connection will be refused.
struct ExpiryWatch: Sendable {
  /// The shortest time between two warnings (Fabric: `MinimumExpirationWarningInterval`).
  static let interval = Duration.seconds(300)

  /// The last second at which the certificate is valid, since 1970.
  let notAfter: Int64
  let threshold: Duration
  private var lastWarning: Int64?

  init(notAfter: Int64, threshold: Duration) {
    self.notAfter = notAfter
    self.threshold = threshold
  }

  /// How long the certificate is still valid, if that is to be warned of now.
  ///
  /// - Parameter now: Seconds since 1970.
  mutating func check(now: Int64) -> Duration? {
    let left = Duration.seconds(notAfter &- now)
    guard left <= threshold else { return nil }
    if let lastWarning, now &- lastWarning < Self.interval.components.seconds { return nil }
    lastWarning = now
    return left
  }

  /// The warning, in Fabric's words.
  static func text(node: String?, endpoint: String, channel: String, left: Duration) -> String {
    """
    Certificate of \(node ?? "unidentified node") from \(endpoint) for channel \(channel) expires in \
    less than \(GoDuration(left))
    """
  }
}
