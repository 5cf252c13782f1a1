// One call as its handler sees it: messages in, messages out, with back-pressure both ways.

import Concurrency
import NIOCore

/// One call, in the hands of its handler.
package final class GRPCServerStream: Sendable {
  /// Who calls what.
  package let call: GRPCCall

  /// The client's address as `host:port`.
  package var remoteAddress: String { call.remoteAddress }
  /// The client's certificate in DER, as ``GRPCCall/peerCertificates`` says.
  package var peerCertificates: [[UInt8]] { call.peerCertificates }

  /// The keying material of the connection, as ``GRPCCall/exporter`` says.
  package var exporter: TLSExporter? { call.exporter }

  /// Runs tasks on the event loop that serves this stream; its type says what it is for.
  package let executor: any TaskExecutor

  private let exchange: StreamExchange
  private let observer: any GRPCServerObserver

  init(
    call: GRPCCall, executor: any TaskExecutor, exchange: StreamExchange,
    observer: any GRPCServerObserver
  ) {
    self.call = call
    self.executor = executor
    self.exchange = exchange
    self.observer = observer
  }

  /// The messages that have arrived and were not taken before, at least one, in order; nil after
  /// the client has half-closed and everything was taken. Suspends until there is something to
  /// return.
  ///
  /// What is not taken holds the stream's flow-control window: a handler that lags stops its
  /// client. One task at a time may wait here.
  ///
  /// - Throws: `.cancelled` when the client is gone or the task is cancelled, `.deadlineExceeded`,
  ///   `.resourceExhausted` for a message above the limit, `.internalError` for broken framing.
  package func nextMessages() async throws(GRPCStatus) -> [[UInt8]]? {
    try await exchange.nextMessages()
  }

  /// Sends one message; see `send(_:)` for several.
  package func send(_ message: ByteBuffer) async throws(GRPCStatus) {
    try await send([message])
  }

  /// Sends messages in one flush. Returns as soon as they are queued, or suspends while more than
  /// `outboundHighWatermarkBytes` of this stream wait for the client to read.
  ///
  /// - Throws: `.resourceExhausted` for a message above the send limit, and then none is sent;
  ///   otherwise why the stream has ended, `.cancelled` also when the task is cancelled.
  package func send(_ messages: [ByteBuffer]) async throws(GRPCStatus) {
    try await send(messages.map { PrefixedMessage(body: $0) })
  }

  /// As `send(_:)` for buffers; a large body is handed to the socket as it is.
  package func send(_ messages: [PrefixedMessage]) async throws(GRPCStatus) {
    try await exchange.send(messages) { bytes in
      observer.messagesSent(call, count: messages.count, bytes: bytes)
    }
  }

  /// Suspends until the stream has ended (the client is gone, the deadline has passed, the server
  /// stops) or the task is cancelled.
  package func closed() async {
    // The handler's task is cancelled when the stream ends.
    await untilCancelled()
  }
}
