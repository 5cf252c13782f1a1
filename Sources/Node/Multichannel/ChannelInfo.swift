// What the participation API tells of channels, and why it refuses.

import Ordering

/// What a node is to one of its channels (Fabric: `types.ChannelInfo`).
package struct ChannelInfo: Sendable, Equatable {
  package var name: String
  package var participation: ParticipationStatus
  /// Blocks that are here.
  package var height: UInt64

  package init(name: String, participation: ParticipationStatus, height: UInt64) {
    self.name = name
    self.participation = participation
    self.height = height
  }
}

/// The names of a node's channels (Fabric: `types.ChannelList`).
package struct ChannelNames: Sendable, Equatable {
  package var system: String?
  /// All others, sorted.
  package var channels: [String]

  package init(system: String? = nil, channels: [String] = []) {
    self.system = system
    self.channels = channels
  }
}

/// A block by its place in the chain.
package enum BlockPlace: Sendable, Equatable {
  case number(UInt64)
  case oldest
  case newest
  /// The newest config block.
  case config
}

/// Why a channel is not joined, removed, updated or read (Fabric: `types.Err…`).
package enum ParticipationRefusal: Error, Equatable, CustomStringConvertible {
  /// There is a system channel, through which channels are created.
  case systemChannelExists
  case alreadyExists
  /// A system channel cannot be joined any more.
  case applicationChannelsExist
  case doesNotExist
  case pendingRemoval
  /// A removal has failed, and has to be asked for again.
  case removalFailed
  /// The channel is followed, not ordered here.
  case notReady
  /// Anything else, for the reason.
  case other(String)

  package var description: String {
    switch self {
    case .systemChannelExists: "system channel exists"
    case .alreadyExists: "channel already exists"
    case .applicationChannelsExist: "application channels already exist"
    case .doesNotExist: "channel does not exist"
    case .pendingRemoval: "channel pending removal"
    case .removalFailed: "channel removal failure"
    case .notReady: "channel is not ready, he is a follower"
    case .other(let reason): reason
    }
  }
}
