// Why a chain takes no messages.

/// Why a chain does not take messages.
package enum ChainError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The chain was stopped in an orderly way.
  case halted(channelID: String)
  /// The chain cannot go on; the reason says why and what to do.
  case failed(channelID: String, reason: String)
  /// The chain cannot take messages now, but may later; the reason says why.
  case unavailable(channelID: String, reason: String)
  /// Nobody orders the channel here; the reason is all that is told.
  case inactive(reason: String)
  /// The chain has no room for more messages now.
  case overloaded(channelID: String)

  package var description: String {
    switch self {
    case .halted(let channelID): "channel \(channelID) is shutting down"
    case .failed(let channelID, let reason): "channel \(channelID) has halted: \(reason)"
    case .unavailable(let channelID, let reason): "channel \(channelID) cannot order now: \(reason)"
    case .inactive(let reason): reason
    case .overloaded(let channelID):
      "channel \(channelID) has too many messages waiting to be ordered; try again later"
    }
  }
}
