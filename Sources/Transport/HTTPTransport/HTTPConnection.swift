// One connection: takes requests one after the other, within bounds of size and time.

import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Sockets

/// What the server tells its connections.
enum HTTPConnectionCommand {
  /// End when the current request is answered.
  case drain
}

/// The last handler of a connection's pipeline.
final class HTTPConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// How long a client may go on sending after its last response.
  static let lingeringTime = TimeAmount.milliseconds(500)

  let environment: HTTPServerEnvironment
  let remoteAddress: String
  private let tls: HTTPServerTLSSession?

  var phase = Phase.waiting
  /// The part of the body that has arrived; not in the phase, where growing would copy it.
  var body: [UInt8] = []
  /// Counts the requests, since a handler's late answer belongs to an earlier one.
  var serial: UInt64 = 0
  /// No further request comes through this connection: the server drains it, or the client has closed
  /// its side.
  private(set) var isEnding = false
  private var deadline: Scheduled<Void>?
  /// What arrived behind the request that is being answered.
  private var pending = CircularBuffer<HTTPServerRequestPart>()
  private var pendingRequests = 0
  /// The answer to bytes that could not be parsed, behind what is pending.
  private var pendingFailure: HTTPResponse?
  private var isReadWanted = false

  init(environment: HTTPServerEnvironment, remoteAddress: String, tls: HTTPServerTLSSession?) {
    self.environment = environment
    self.remoteAddress = remoteAddress
    self.tls = tls
  }

  /// Whether the client presented a certificate; without verification no handshake succeeds with one.
  var hasVerifiedCertificate: Bool { tls?.handler.peerCertificate != nil }

  // MARK: Events

  func handlerAdded(context: ChannelHandlerContext) {
    setDeadline(environment.limits.readTimeout, context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(context)
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end(context) }

  private func end(_ context: ChannelHandlerContext) {
    deadline?.cancel()
    switch phase {
    case .running(let running): running.task.cancel()
    case .writing(let outgoing): environment.release(outgoing.reserved)
    default: break
    }
    phase = .closed
    body = []
    pending.removeAll()
    pendingFailure = nil
  }

  func read(context: ChannelHandlerContext) {
    if acceptsInput {
      context.read()
    } else {
      isReadWanted = true
    }
  }

  private var acceptsInput: Bool {
    switch phase {
    case .waiting, .receiving, .lingering: pending.isEmpty
    case .running, .writing, .closed: false
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    switch phase {
    case .waiting where pending.isEmpty, .receiving where pending.isEmpty: take(part, context)
    case .lingering, .closed: break
    default:
      if case .head = part { pendingRequests += 1 }
      guard pendingRequests <= environment.limits.pipelinedRequests else { return close(context) }
      pending.append(part)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case HTTPConnectionCommand.drain:
      isEnding = true
      if case .waiting = phase { close(context) }
    case ChannelEvent.inputClosed:
      isEnding = true
      switch phase {
      case .running, .writing, .closed: break
      case .waiting, .receiving, .lingering: close(context)
      }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case HTTPParserError.invalidEOFState: close(context)
    case let error as HTTPParserError: fail(RequestRules.response(to: error), context)
    case is ByteToMessageDecoderError: break
    case NIOSSLError.handshakeFailed(let reason): tlsFailed("\(reason)", context)
    case is BoringSSLError, is NIOSSLExtraError: tlsFailed("\(error)", context)
    default:
      // A client that went away, and the like.
      environment.logger.debug("\(error)", metadata: ["remoteAddress": "\(remoteAddress)"])
      close(context)
    }
  }

  private func tlsFailed(_ reason: String, _ context: ChannelHandlerContext) {
    let reason = tls?.refusal.reason.withLock { $0 } ?? TLSReason.text(reason)
    environment.warn("TLS handshake failed: \(reason)", ["remoteAddress": "\(remoteAddress)"])
    close(context)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { writeMore(context) }
    context.fireChannelWritabilityChanged()
  }

  // MARK: Requests

  private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch (part, phase) {
    case (.head(let head), .waiting): take(head, context)
    case (.body(let buffer), .receiving(let incoming)):
      guard case .route(let route, let target) = incoming.plan else {
        return respond(RequestRules.bodyTooLarge, to: incoming.head, hasUnread: true, context)
      }
      guard body.count + buffer.readableBytes <= route.bodyLimit else {
        return refuseBody(for: route, target, incoming.head, context)
      }
      body.append(contentsOf: buffer.readableBytesView)
    case (.end, .receiving(let incoming)):
      switch incoming.plan {
      case .answer(let response): respond(response, to: incoming.head, hasUnread: false, context)
      case .route(let route, let target):
        run(route.handler, of: route, target, incoming.head, hasUnread: false, context)
      }
    default: break
    }
  }

  private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let plan = RequestRules.plan(for: head, on: self)
    let hasBody = RequestRules.hasBody(head)
    switch plan {
    case .answer(let response) where hasBody:
      return respond(response, to: head, hasUnread: true, context)
    case .route(let route, let target):
      guard RequestRules.announcedLength(head) <= route.bodyLimit else {
        return refuseBody(for: route, target, head, context)
      }
    default: break
    }
    phase = .receiving(Incoming(head: head, plan: plan))
    body = []
    setDeadline(environment.limits.readTimeout, context)
    if hasBody, head.version == .http1_1, head.headers["expect"].contains("100-continue") {
      context.writeAndFlush(
        wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))),
        promise: nil)
    }
  }

  /// Answers a request whose body is larger than its route takes; then the connection ends.
  private func refuseBody(
    for route: HTTPRoute, _ target: RequestTarget, _ head: HTTPRequestHead,
    _ context: ChannelHandlerContext
  ) {
    guard let handler = route.oversized else {
      return respond(RequestRules.bodyTooLarge, to: head, hasUnread: true, context)
    }
    body = []
    run(handler, of: route, target, head, hasUnread: true, context)
  }

  /// Answers bytes that are not a request; then the connection ends.
  private func fail(_ response: HTTPResponse, _ context: ChannelHandlerContext) {
    switch phase {
    case .waiting where pending.isEmpty, .receiving where pending.isEmpty:
      respond(response, to: nil, hasUnread: true, context)
    case .lingering, .closed: break
    default: pendingFailure = response
    }
  }

  /// Goes on after a response, first with what has arrived meanwhile.
  func next(_ context: ChannelHandlerContext) {
    phase = .waiting
    setDeadline(environment.limits.readTimeout, context)
    while acceptsInputFromQueue, let part = pending.popFirst() {
      if case .head = part { pendingRequests -= 1 }
      take(part, context)
    }
    guard acceptsInput else { return }
    if let failure = pendingFailure {
      pendingFailure = nil
      return fail(failure, context)
    }
    if isEnding, case .waiting = phase { return close(context) }
    readIfWanted(context)
  }

  private var acceptsInputFromQueue: Bool {
    switch phase {
    case .waiting, .receiving: true
    default: false
    }
  }

  /// Reads on, to throw away what comes and what has come.
  func linger(_ context: ChannelHandlerContext) {
    pending.removeAll()
    pendingFailure = nil
    setDeadline(Self.lingeringTime, context)
    readIfWanted(context)
  }

  func readIfWanted(_ context: ChannelHandlerContext) {
    guard isReadWanted else { return }
    isReadWanted = false
    context.read()
  }

  // MARK: Time

  /// One timer for the connection: the phase in which it fires tells what it was for.
  func setDeadline(_ time: Duration, _ context: ChannelHandlerContext) {
    setDeadline(TimeAmount(time), context)
  }

  func setDeadline(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
      self.deadlinePassed(context)
    }
  }

  private func deadlinePassed(_ context: ChannelHandlerContext) {
    switch phase {
    case .receiving(let incoming):
      respond(RequestRules.tooSlow, to: incoming.head, hasUnread: true, context)
    case .running(let running):
      running.task.cancel()
      serial &+= 1
      respond(
        HTTPResponse(status: running.timeoutStatus), to: running.head,
        hasUnread: running.hasUnread, context)
    case .waiting, .writing, .lingering: close(context)
    case .closed: break
    }
  }

  func close(_ context: ChannelHandlerContext) {
    end(context)
    context.close(promise: nil)
  }
}
