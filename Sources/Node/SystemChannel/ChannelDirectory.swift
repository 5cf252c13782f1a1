// What the creation of channels has to know of the channels that exist.

/// All channels of this node, as channel creation needs to know them.
package protocol ChannelDirectory: Sendable {
  /// How many channels exist, the system channel included.
  var channelCount: Int { get }
  /// Whether a channel of this name exists.
  func contains(_ channelID: String) -> Bool
}
