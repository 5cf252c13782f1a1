// One attempt to connect: where who waits for it and the event loop meet.

import Concurrency
import NIOCore

/// The outcome of one attempt to connect, whichever comes first: a connection, a failure, or the end of waiting.
final class Dial: Sendable {
  private enum State {
    /// With the socket, once there is one → connected, over
    case dialling((any Channel)?)
    /// → over
    case connected(GRPCClientConnection)
    case failed(GRPCDialError)
    /// The connection is taken, or nobody waits for it.
    case over
  }

  private let state = Watched(State.dialling(nil))

  /// - Throws: `CancellationError` if nobody waits any more.
  func started(_ channel: any Channel) throws {
    try state.change { state in
      guard case .dialling = state else { throw CancellationError() }
      // Of several addresses the first that answers counts, and the others are closed.
      state = .dialling(channel)
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
    case .dialling(let channel): channel?.close(promise: nil)
    case .connected(let connection): connection.close()
    case .failed, .over: break
    }
  }
}
