// What an operator has to do once a channel's consensus type has changed.

import ChannelConfig
import Logging

extension ConfigBundle {
  /// Says that the orderers have to be restarted if this configuration names another consensus type than the one that
  /// the channel is ordered with.
  func warnOfRestart(from running: String?, _ logger: Logger) {
    guard let running, let orderer, orderer.consensusType != running else { return }
    logger.warning(
      """
      [channel: \(channelID)] The consensus type is \(orderer.consensusType) now, and this orderer goes on with \
      \(running) until it is restarted. Once all channels have the new type, restart all orderers, and only then \
      let the channels leave maintenance mode
      """)
  }
}
