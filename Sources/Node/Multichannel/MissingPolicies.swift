// Warns an operator of a configuration that will disappoint those who rely on it.

import ChannelConfig
import Logging

extension ConfigBundle {
  /// Warns of policies that the configuration lacks although nodes ask for them (Fabric:
  /// `channelconfig.LogSanityChecks`). Nothing is refused because of that.
  func warnOfMissingPolicies(_ logger: Logger) {
    for policy in missingPolicies {
      logger.warning(
        """
        [channel: \(channelID)] Current configuration has no policy '\(policy)', so whatever it guards \
        is refused to everybody
        """)
    }
  }
}
