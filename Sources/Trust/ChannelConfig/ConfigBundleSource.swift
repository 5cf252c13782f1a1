// The place where a channel keeps its current config. Fabric: channelconfig.BundleSource.

import Synchronization

/// Holds the current bundle of a channel. Readers get one consistent bundle; the writer swaps it.
package final class ConfigBundleSource: Sendable {
  private let bundle: Mutex<ConfigBundle>

  /// Starts with `bundle`.
  package init(_ bundle: ConfigBundle) { self.bundle = Mutex(bundle) }

  /// The bundle of this moment. Take it once per message.
  package var current: ConfigBundle { bundle.withLock { $0 } }

  /// Puts `next` in the place of the current bundle.
  package func update(_ next: ConfigBundle) { bundle.withLock { $0 = next } }
}
