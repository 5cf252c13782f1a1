// How many descriptors the process may have, and how many of them are not for clients.

import Foundation

/// The process's limit of open descriptors (RLIMIT_NOFILE).
package enum DescriptorLimit {
  /// Raises the limit to the highest that the process may set, as Go's runtime does at start. Nothing
  /// here uses `select`, which is why systems keep the first limit low.
  package static func raise() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
      limit.rlim_cur < limit.rlim_max
    else { return }
    limit.rlim_cur = limit.rlim_max
    // Where it is not allowed the first limit stays.
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// The limit now; it can be changed from outside at any time.
  package static var current: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    return Int(clamping: limit.rlim_cur)
  }

  /// Of so many descriptors, those that clients' connections leave to ledgers, indexes, logs and
  /// brokers: an eighth, at least 16, at most 512.
  static func reserve(of limit: Int) -> Int { min(max(limit / 8, 16), 512) }
}
