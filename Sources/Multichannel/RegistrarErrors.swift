// Why a channel cannot be used, or why none can.

/// A channel exists on this node but cannot serve.
public struct ChannelUnavailable: Error, CustomStringConvertible {
  public let channelID: String
  public let reason: String
  public var description: String { "channel \(channelID) is not available: \(reason)" }
}

/// The node's channels cannot be set up.
public struct RegistrarError: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}
