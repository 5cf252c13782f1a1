// What becomes of a message that was validated against an older configuration than the one in force.

import Logging

extension ConsenterSupport {
  /// The message as the configuration in force wants it; nil if that does not allow it any more, which is logged and
  /// counted.
  ///
  /// - Throws: `ChannelFault` if the message was validated against a configuration that is not in force yet.
  package func upToDate(
    _ message: OrderedMessage, logger: Logger
  ) throws(ChannelFault) -> OrderedMessage? {
    let sequence = bundle.sequence
    if message.configSequence == sequence { return message }
    guard message.configSequence < sequence else {
      throw .broken(
        "a message was validated against configuration \(message.configSequence), and "
          + "\(sequence) is in force")
    }
    do {
      if message.isConfig { return try revalidate(config: message) }
      try revalidate(normal: message)
      return message
    } catch {
      logger.warning(
        "Discarding a message that the new configuration does not allow: \(error)",
        metadata: ["channel": .string(channelID)])
      metrics.dropped(.invalidated)
      return nil
    }
  }
}
