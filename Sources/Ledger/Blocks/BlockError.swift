// What is wrong with a block.

/// A block of a channel is not what it has to be, or cannot be made.
package struct BlockError: Error, Equatable, CustomStringConvertible {
  package let channelID: String
  package let reason: String

  package init(channelID: String, reason: String) {
    self.channelID = channelID
    self.reason = reason
  }

  package var description: String { "channel \(channelID): \(reason)" }
}
