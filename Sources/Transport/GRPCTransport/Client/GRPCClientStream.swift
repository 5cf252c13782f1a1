// One call as its caller sees it: messages out, messages in, with back-pressure both ways.

import NIOCore
import Synchronization

/// One call of a client, bound to its connection. Whoever opens it ends it: with ``cancel()``, or by reading it to
/// its end.
///
/// Messages may be sent by several tasks; one task at a time may wait for messages.
package final class GRPCClientStream: Sendable {
  private let exchange: StreamExchange
  private let handler: NIOLoopBound<ClientStreamHandler>
  /// What ``receive()`` has taken and not returned yet: no more than the stream's window holds, and one message.
  private let taken = Mutex<ArraySlice<[UInt8]>>([])

  init(exchange: StreamExchange, handler: NIOLoopBound<ClientStreamHandler>) {
    self.exchange = exchange
    self.handler = handler
  }

  // MARK: Receiving

  /// The messages that have arrived and were not taken before, at least one, in order; nil once the server has ended
  /// the call with `OK` and everything was taken. Suspends until there is something to return.
  ///
  /// What is not taken holds the stream's flow-control window, which stops the server.
  ///
  /// - Throws: how the call has ended if not with `OK`, after everything that came before was taken; `.cancelled`
  ///   when the task is cancelled, which does not end the stream.
  package func nextMessages() async throws(GRPCStatus) -> [[UInt8]]? {
    let rest = taken.withLock { taken in
      defer { taken = [] }
      return taken
    }
    return rest.isEmpty ? try await exchange.nextMessages() : Array(rest)
  }

  /// As ``nextMessages()``, one at a time.
  package func receive() async throws(GRPCStatus) -> [UInt8]? {
    if let message = taken.withLock({ $0.popFirst() }) { return message }
    guard let messages = try await exchange.nextMessages() else { return nil }
    return taken.withLock { taken in
      taken = messages[...]
      return taken.popFirst()
    }
  }

  /// Waits for the end of a call whose messages are of no interest.
  ///
  /// - Returns: how it has ended; `.cancelled` also once the task is cancelled, which does not end the stream.
  package func ended() async -> GRPCStatus {
    do throws(GRPCStatus) {
      while try await nextMessages() != nil {}
      return .ok
    } catch {
      return error
    }
  }

  // MARK: Sending

  /// Sends one message; see `send(_:)` for several.
  package func send(_ message: ByteBuffer) async throws(GRPCStatus) {
    try await send([message])
  }

  /// Sends messages in one flush. Returns as soon as they are queued, or suspends while more than
  /// `outboundHighWatermarkBytes` of this stream wait for the server to read.
  ///
  /// - Throws: `.resourceExhausted` for a message above the send limit, and then none is sent; otherwise how the call
  ///   has ended, `.unavailable` if that is `OK`; `.cancelled` also when the task is cancelled.
  package func send(_ messages: [ByteBuffer]) async throws(GRPCStatus) {
    try await send(messages.map { PrefixedMessage(body: $0) })
  }

  /// As `send(_:)` for buffers; a large body is handed to the socket as it is.
  package func send(_ messages: [PrefixedMessage]) async throws(GRPCStatus) {
    try await exchange.send(messages)
  }

  /// Ends this side of the call, behind what was sent; the server's messages go on.
  package func finishSending() {
    exchange.finish(GRPCStatus(.internalError, "send after the end of the stream"))
  }

  /// Ends the call at once: what was not sent or taken is dropped, and the server told. After the call's end this
  /// changes nothing.
  package func cancel() {
    taken.withLock { $0 = [] }
    exchange.end(.cancelled)
    exchange.eventLoop.execute { [handler] in handler.value.end(.cancelled) }
  }
}
