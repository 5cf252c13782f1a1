// How a connection runs handlers and writes responses, no faster than the client takes them.

import Foundation
import GoText
import NIOCore
import NIOHTTP1

extension HTTPConnection {
  /// A response on its way.
  struct Outgoing {
    let body: [UInt8]
    var written = 0
    /// Whether the end of the response has been written, too.
    var isEnded = false
    /// Of the environment's bound.
    let reserved: Int
    let endsConnection: Bool
    /// Whether the client may still be sending.
    let hasUnread: Bool
  }

  /// The longest ID that is taken over from a request.
  private static let maximumRequestIDBytes = 128
  private static let chunkBytes = 64 << 10

  /// Runs a handler, not on the event loop.
  ///
  /// - Parameter hasUnread: whether part of the request is unread.
  func run(
    _ handler: @escaping HTTPRoute.Handler, of route: HTTPRoute, _ target: RequestTarget,
    _ head: HTTPRequestHead, hasUnread: Bool, _ context: ChannelHandlerContext
  ) {
    guard environment.registry.handlerStarted() else {
      return respond(RequestRules.overloaded, to: head, hasUnread: hasUnread, context)
    }
    let given = head.headers.first(name: "x-request-id") ?? ""
    let requestID =
      given.isEmpty || given.utf8.count > Self.maximumRequestIDBytes
      ? UUID().uuidString.lowercased() : given
    let request = HTTPRequest(
      method: head.method.rawValue, path: target.path, query: target.query,
      headers: head.headers.map { ($0.name, $0.value) }, body: body,
      remoteAddress: remoteAddress, hasVerifiedCertificate: hasVerifiedCertificate)
    body = []
    serial &+= 1
    let serial = serial
    let environment = environment
    let eventLoop = context.eventLoop
    let bound = NIOLoopBound((self, context), eventLoop: eventLoop)
    let task = Task {
      var response = await handler(request)
      response.headers.append(("X-Request-Id", requestID))
      eventLoop.execute { [response] in
        let (connection, context) = bound.value
        connection.finished(serial, response, context)
      }
      environment.registry.handlerEnded()
    }
    phase = .running(
      Running(
        head: head, task: task, timeoutStatus: route.timeoutStatus, hasUnread: hasUnread))
    setDeadline(route.timeout ?? environment.limits.handlerTimeout, context)
  }

  /// A handler has ended; its time may already have been up.
  private func finished(
    _ serial: UInt64, _ response: HTTPResponse, _ context: ChannelHandlerContext
  ) {
    guard serial == self.serial, case .running(let running) = phase else { return }
    respond(response, to: running.head, hasUnread: running.hasUnread, context)
  }

  /// Begins to write a response.
  ///
  /// - Parameters:
  ///   - request: nil if what came was not a request.
  ///   - hasUnread: whether part of the request is unread; then the connection ends.
  func respond(
    _ response: HTTPResponse, to request: HTTPRequestHead?, hasUnread: Bool,
    _ context: ChannelHandlerContext
  ) {
    var response = response
    let isHead = request?.method == .HEAD
    var reserved = isHead ? 0 : response.body.count
    if !environment.reserve(reserved) {
      reserved = 0
      response = RequestRules.overloaded
    }
    let isKept =
      (request.map { $0.isKeepAlive && !RequestRules.isUpgrade($0) } ?? false) && !hasUnread
      && !isEnding
    body = []
    phase = .writing(
      Outgoing(
        body: isHead ? [] : response.body, reserved: reserved, endsConnection: !isKept,
        hasUnread: hasUnread || request.map(RequestRules.isUpgrade) ?? true))
    setDeadline(environment.limits.writeTimeout, context)
    let version: HTTPVersion = request?.version.minor == 0 ? .http1_0 : .http1_1
    var head = HTTPResponseHead(
      version: version, status: HTTPResponseStatus(statusCode: response.status))
    for (name, value) in response.headers { head.headers.add(name: name, value: value) }
    head.headers.add(name: "Date", value: environment.now().utc(.http))
    if head.status.mayHaveResponseBody {
      head.headers.add(name: "Content-Length", value: String(response.body.count))
    }
    if !isKept {
      head.headers.add(name: "Connection", value: "close")
    } else if version == .http1_0 {
      head.headers.add(name: "Connection", value: "keep-alive")
    }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    writeMore(context)
  }

  /// Writes what the socket takes; once the response is complete, the connection goes on.
  func writeMore(_ context: ChannelHandlerContext) {
    // A write can bring us here again before it returns, so the phase is up to date before each.
    while case .writing(var outgoing) = phase, outgoing.written < outgoing.body.count,
      context.channel.isWritable
    {
      let end = min(outgoing.written + Self.chunkBytes, outgoing.body.count)
      let chunk = context.channel.allocator.buffer(bytes: outgoing.body[outgoing.written..<end])
      outgoing.written = end
      phase = .writing(outgoing)
      context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(chunk))), promise: nil)
    }
    guard case .writing(var outgoing) = phase, outgoing.written == outgoing.body.count,
      !outgoing.isEnded
    else { return }
    outgoing.isEnded = true
    phase = .writing(outgoing)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { result in
      self.wrote(result, context)
    }
  }

  private func wrote(_ result: Result<Void, any Error>, _ context: ChannelHandlerContext) {
    guard case .writing(let outgoing) = phase else { return }
    environment.release(outgoing.reserved)
    phase = .lingering
    guard case .success = result else { return close(context) }
    guard outgoing.endsConnection else { return next(context) }
    guard outgoing.hasUnread else { return close(context) }
    linger(context)
  }
}
