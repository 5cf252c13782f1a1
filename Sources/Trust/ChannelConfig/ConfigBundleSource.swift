// The place where a channel keeps its current config. Fabric: channelconfig.BundleSource.

import Synchronization

/// Holds the current bundle of a channel. Readers get one consistent bundle; the writer swaps it.
package final class ConfigBundleSource: Sendable {
  private let bundle: Mutex<ConfigBundle>

  /// Starts with `bundle`.
  package init(_ bundle: ConfigBundle) { self.bundle = Mutex(bundle) }

  /// The current bundle. Take it once per message.
  package var current: ConfigBundle { bundle.withLock { $0 } }

  /// Replaces the current bundle with `next`.
  ///
  /// - Throws: ``ConfigError`` if `next` is another channel's or does not follow the current config
  ///   by one update: an error of ours, after which the channel must not go on.
  package func update(_ next: ConfigBundle) throws(ConfigError) {
    try bundle.withLock { (bundle) throws(ConfigError) in
      guard next.channelID == bundle.channelID, next.sequence == bundle.sequence &+ 1 else {
        throw ConfigError(
          .stale,
          "internal error: config \(next.sequence) of channel \(next.channelID) cannot take the "
            + "place of config \(bundle.sequence) of channel \(bundle.channelID)")
      }
      bundle = next
    }
  }
}
