// What became of the messages that a chain was given.

/// What became of one message.
package enum OrderOutcome: Sendable, Equatable {
  /// The chain has it, as safely as its protocol promises.
  case taken
  /// The chain has had it before. It is in a block, or will be, once.
  case duplicate
  /// The chain does not have it.
  case refused(ChainError)
}

/// What became of several messages, in their order.
package enum OrderOutcomes: Sendable, Equatable {
  /// The same for all of them: the usual case, which costs no array.
  case all(OrderOutcome)
  /// One outcome for each message.
  case each([OrderOutcome])

  /// The outcome of the message at `index`.
  package subscript(index: Int) -> OrderOutcome {
    switch self {
    case .all(let outcome): outcome
    case .each(let outcomes): outcomes[index]
    }
  }
}
