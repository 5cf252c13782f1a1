// One attempt to connect: where who waits for it and the event loop meet.

import Concurrency
import NIOCore

/// The outcome of one attempt to connect, whichever comes first: a connection, a failure, or the end of waiting.
final class Dial: Sendable {
  /// A name may have several addresses. The first that answers is chosen, and the sockets of others are closed.
  private struct Attempt {
    var sockets: [any Channel] = []
    var chosen: ObjectIdentifier?
    /// What ended sockets before it was known which of them is chosen.
    var failures: [ObjectIdentifier: GRPCDialError] = [:]
  }

  private enum State {
    /// → connected, failed, over
    case dialling(Attempt)
    /// → over
    case connected(GRPCClientConnection)
    case failed(GRPCDialError)
    /// The connection is taken, or nobody waits for it.
    case over
  }

  private let state = Watched(State.dialling(Attempt()))

  /// - Throws: `CancellationError` if nobody waits any more.
  func started(_ channel: any Channel) throws {
    try state.change { state in
      guard case .dialling(var attempt) = state else { throw CancellationError() }
      attempt.sockets.append(channel)
      state = .dialling(attempt)
    }
  }

  /// This socket's address has answered first.
  func chosen(_ channel: any Channel) {
    state.change { state in
      guard case .dialling(var attempt) = state else { return }
      attempt.chosen = ObjectIdentifier(channel)
      state = attempt.failures[ObjectIdentifier(channel)].map { .failed($0) } ?? .dialling(attempt)
    }
  }

  /// A socket has ended. That of an address that was not chosen means nothing.
  func failed(_ error: GRPCDialError, on channel: any Channel) {
    state.change { state in
      guard case .dialling(var attempt) = state else { return }
      let id = ObjectIdentifier(channel)
      attempt.failures[id] = error
      state = attempt.chosen == id ? .failed(error) : .dialling(attempt)
    }
  }

  func connected(_ connection: GRPCClientConnection) {
    let isAwaited = state.change { state in
      guard case .dialling = state else { return false }
      state = .connected(connection)
      return true
    }
    if !isAwaited { connection.close() }
  }

  /// No address answers.
  func failed(_ error: GRPCDialError) {
    state.change { state in
      if case .dialling = state { state = .failed(error) }
    }
  }

  /// Waits for the outcome. To be called once.
  func outcome() async throws(GRPCDialError) -> GRPCClientConnection {
    let outcome: Result<GRPCClientConnection, GRPCDialError>? = await state.waitUnlessCancelled {
      switch $0 {
      case .dialling, .over:
        return nil
      case .connected(let connection):
        $0 = .over
        return .success(connection)
      case .failed(let error):
        $0 = .over
        return .failure(error)
      }
    }
    if let outcome { return try outcome.get() }
    giveUp()
    throw .cancelled
  }

  private func giveUp() {
    let last = state.change { state in
      defer { state = .over }
      return state
    }
    switch last {
    case .dialling(let attempt): for channel in attempt.sockets { channel.close(promise: nil) }
    case .connected(let connection): connection.close()
    case .failed, .over: break
    }
  }
}
