// Why a channel cannot be used, or why none can.

import Ordering

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

/// A channel cannot be created yet: an earlier attempt left its ledger, which cannot be opened for now.
struct LedgerNotOpen: PassingError, Equatable, CustomStringConvertible {
  let channelID: String
  let reason: String
  var mayPass: Bool { true }
  var description: String { "channel \(channelID), which is to be created, waits: \(reason)" }
}
