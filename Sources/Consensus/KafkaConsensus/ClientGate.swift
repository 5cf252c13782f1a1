// Where clients' messages wait, or are turned away, before they are posted.

import Ordering
import Synchronization

/// Whether a chain takes messages.
final class ClientGate: Sendable {
  private struct State {
    var refusal: ChainError?
    var isHeld: Bool
    var isClosed = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: Mutex<State>

  /// Clients that may wait while a config message is on its way through the topic again; further ones
  /// are refused.
  static let maximumWaiting = 10_000

  init(refusal: ChainError?, isHeld: Bool) {
    state = Mutex(State(refusal: refusal, isHeld: isHeld))
  }

  /// Returns once messages are taken.
  ///
  /// - Throws: Why they are not, if waiting would not help.
  func pass(channelID: String) async throws(ChainError) {
    while true {
      let (refusal, isHeld, isFull) = state.withLock { state in
        (state.refusal, state.isHeld, state.waiting.count >= Self.maximumWaiting)
      }
      if let refusal { throw refusal }
      guard isHeld else { return }
      if isFull { throw .overloaded(channelID: channelID) }
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          if state.refusal != nil || !state.isHeld { return true }
          state.waiting.append(continuation)
          return false
        }
        if ready { continuation.resume() }
      }
    }
  }

  /// Why messages are refused; nil if they are not.
  var refusal: ChainError? { state.withLock { $0.refusal } }

  /// Refuses messages, or takes them again; does nothing after ``close(_:)``.
  func refuse(_ refusal: ChainError?) {
    change { state in
      if !state.isClosed { state.refusal = refusal }
    }
  }

  /// Refuses messages from now on. The first reason stays.
  func close(_ refusal: ChainError) {
    change { state in
      if !state.isClosed { state.refusal = refusal }
      state.isClosed = true
    }
  }

  func hold() { change { $0.isHeld = true } }
  func release() { change { $0.isHeld = false } }

  private func change(_ body: (inout State) -> Void) {
    let waiting = state.withLock { state in
      body(&state)
      guard state.refusal != nil || !state.isHeld else {
        return [CheckedContinuation<Void, Never>]()
      }
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
