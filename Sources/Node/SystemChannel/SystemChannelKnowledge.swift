// What a node knows of its system channel while it opens its ledgers, and afterwards.

/// Which channel is the system channel, if any.
///
/// Only a channel's configuration tells whether it is the system channel. So as long as some ledger has
/// not been read, that channel may be it.
package enum SystemChannelKnowledge: Sendable, Equatable {
  /// No channel whose configuration was read is the system channel. Each of the others may be.
  case notFound(unread: Set<String>)
  /// This channel is the system channel, whether it works or not.
  case found(String)

  /// A node without ledgers has no system channel.
  package init() { self = .notFound(unread: []) }

  /// The channel that an operator has to look at if there is no system channel to serve a request.
  package enum Suspect: Equatable {
    /// This is the system channel.
    case certain(String)
    /// This one may be, as may others.
    case possible(String)
  }

  package var suspect: Suspect? {
    switch self {
    case .found(let name): .certain(name)
    case .notFound(let unread): unread.min().map { .possible($0) }
    }
  }

  /// These channels' configurations are going to be read.
  package mutating func expect(_ names: some Sequence<String>) {
    if case .notFound(let unread) = self { self = .notFound(unread: unread.union(names)) }
  }

  /// A channel's configuration was read: it is the system channel, or it is not.
  ///
  /// - Throws: ``SecondSystemChannel`` if another channel is. Nothing changes then.
  package mutating func read(
    _ name: String, isSystemChannel: Bool
  ) throws(SecondSystemChannel) {
    switch self {
    case .found(let known):
      guard !isSystemChannel || known == name else {
        throw SecondSystemChannel(first: known, second: name)
      }
    case .notFound(var unread):
      unread.remove(name)
      self = isSystemChannel ? .found(name) : .notFound(unread: unread)
    }
  }

  /// There is no such channel after all.
  package mutating func forget(_ name: String) {
    switch self {
    case .found(name): self = SystemChannelKnowledge()
    case .found: break
    case .notFound(var unread):
      unread.remove(name)
      self = .notFound(unread: unread)
    }
  }
}

/// Two channels hold consortiums, but only one can create channels.
package struct SecondSystemChannel: Error, Equatable, CustomStringConvertible {
  /// The one that was found first.
  package let first: String
  package let second: String

  package var description: String {
    "There appear to be two system channels, \(first) and \(second); remove the ledger of one of them"
  }
}
