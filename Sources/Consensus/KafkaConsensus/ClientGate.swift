// Where clients' messages wait, or are turned away, before they are posted.

import Concurrency
import Ordering

/// Whether a chain takes messages.
final class ClientGate: Sendable {
  private enum State: Sendable {
    /// The chain is not up: clients are refused. → open, held, closed
    case shut(ChainError, isHeld: Bool)
    /// → held, closed
    case open
    /// Clients wait, this many. → open, closed
    case held(waiting: Int)
    /// Clients are refused. Final: the first reason stays.
    case closed(ChainError)

    var refusal: ChainError? {
      switch self {
      case .shut(let refusal, _), .closed(let refusal): refusal
      case .open, .held: nil
      }
    }

    /// What becomes of a client now; nil if it has to wait.
    var answer: Result<Void, ChainError>? {
      switch self {
      case .shut(let refusal, _), .closed(let refusal): .failure(refusal)
      case .open: .success(())
      case .held: nil
      }
    }

    /// One more client comes to wait; false if too many do already.
    mutating func admitWaiter() -> Bool {
      guard case .held(let waiting) = self else { return true }
      guard waiting < ClientGate.maximumWaiting else { return false }
      self = .held(waiting: waiting + 1)
      return true
    }

    mutating func open() {
      guard case .shut(_, let isHeld) = self else { return }
      self = isHeld ? .held(waiting: 0) : .open
    }

    mutating func hold() {
      switch self {
      case .shut(let refusal, _): self = .shut(refusal, isHeld: true)
      case .open: self = .held(waiting: 0)
      case .held, .closed: break
      }
    }

    mutating func release() {
      switch self {
      case .shut(let refusal, _): self = .shut(refusal, isHeld: false)
      case .held: self = .open
      case .open, .closed: break
      }
    }

    mutating func close(_ refusal: ChainError) {
      if case .closed = self { return }
      self = .closed(refusal)
    }
  }

  private let state: Watched<State>

  /// Clients that may wait while a config message is on its way through the topic again; further ones
  /// are refused.
  static let maximumWaiting = 10_000

  /// A gate that is shut.
  ///
  /// - Parameters:
  ///   - refusal: Why messages are refused until ``open()``.
  ///   - isHeld: Whether clients have to wait from then on.
  init(refusal: ChainError, isHeld: Bool) {
    state = Watched(.shut(refusal, isHeld: isHeld))
  }

  /// Returns once messages are taken.
  ///
  /// - Throws: Why they are not, if waiting would not help.
  func pass(channelID: String) async throws(ChainError) {
    if let answer = state.read({ $0.answer }) { return try answer.get() }
    guard state.change({ $0.admitWaiter() }) else { throw .overloaded(channelID: channelID) }
    let answer: Result<Void, ChainError> = await state.wait { $0.answer }
    try answer.get()
  }

  /// Why messages are refused; nil if they are not.
  var refusal: ChainError? { state.read { $0.refusal } }

  /// Clients that wait.
  var waitingCount: Int {
    state.read { if case .held(let waiting) = $0 { waiting } else { 0 } }
  }

  /// Takes messages from now on, or lets clients wait if they have to.
  func open() { state.change { $0.open() } }
  /// Refuses messages from now on.
  func close(_ refusal: ChainError) { state.change { $0.close(refusal) } }
  /// Lets clients wait.
  func hold() { state.change { $0.hold() } }
  /// Lets clients go on.
  func release() { state.change { $0.release() } }
}
