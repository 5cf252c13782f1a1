// Why a channel cannot be used, or why none can.

/// A channel exists on this node but cannot serve.
package struct ChannelUnavailable: Error, CustomStringConvertible {
  package let channelID: String
  package let reason: String
  package var description: String { "channel \(channelID) is not available: \(reason)" }

  package init(channelID: String, reason: String) {
    self.channelID = channelID
    self.reason = reason
  }
}

/// The node's channels cannot be set up.
package struct RegistrarError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }
}
