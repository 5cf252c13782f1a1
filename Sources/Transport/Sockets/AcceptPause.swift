// Pauses a listener while nobody could use what it accepts.

import Foundation
import NIOCore

/// Fired at a listener when one of its connections may stay.
struct ConnectionAdmitted: Sendable {
  let id: ObjectIdentifier
}

/// The first handler of a listener's pipeline.
///
/// Only so many connections at a time are accepted and not yet judged, so that those which will be refused
/// do not take the descriptors that the node needs for itself.
///
/// When `accept` fails for want of descriptors or memory, its connection stays in the kernel's queue and
/// the listener stays readable. NIO goes on trying without a pause, also with its `AcceptBackoffHandler`,
/// which waits for a `read` that does not come (swift-nio 2.101). Only without automatic reading is the
/// listener taken out of the poll.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private enum State {
    /// → pausing
    case accepting
    /// → accepting, when the time is up
    case pausing(Scheduled<Void>)
  }

  /// How long to wait before the next attempt.
  static let interval = TimeAmount.milliseconds(100)

  private let door: Doorkeeper
  private var state = State.accepting
  /// Connections that were accepted and are neither admitted nor closed.
  private var underWay: Set<ObjectIdentifier> = []
  private var isReading = true

  init(door: Doorkeeper) { self.door = door }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let connection = unwrapInboundIn(data)
    let id = ObjectIdentifier(connection)
    underWay.insert(id)
    // The connection of a client that has already gone is never judged.
    connection.closeFuture.hop(to: context.eventLoop).assumeIsolated().whenComplete { _ in
      self.judged(id, context)
    }
    readOrNot(context)
    context.fireChannelRead(data)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let admitted = event as? ConnectionAdmitted else {
      return context.fireUserInboundEventTriggered(event)
    }
    judged(admitted.id, context)
  }

  private func judged(_ id: ObjectIdentifier, _ context: ChannelHandlerContext) {
    guard underWay.remove(id) != nil else { return }
    readOrNot(context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, let reason = Self.shortage(error.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    door.acceptFailed(reason)
    guard case .accepting = state else { return }
    state = .pausing(
      context.eventLoop.assumeIsolated().scheduleTask(in: Self.interval) {
        self.state = .accepting
        self.readOrNot(context)
      })
    readOrNot(context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if case .pausing(let end) = state { end.cancel() }
    context.fireChannelInactive()
  }

  private func readOrNot(_ context: ChannelHandlerContext) {
    var isWanted = underWay.count < door.maximumUnderWay
    if case .pausing = state { isWanted = false }
    guard isWanted != isReading else { return }
    isReading = isWanted
    // A listener that is closed has no options.
    try? context.channel.syncOptions?.setOption(.autoRead, value: isWanted)
  }

  /// What the system is short of, in Go's words; nil for other errors.
  private static func shortage(_ code: CInt) -> String? {
    switch code {
    case EMFILE: "accept: too many open files"
    case ENFILE: "accept: too many open files in system"
    case ENOBUFS: "accept: no buffer space available"
    case ENOMEM: "accept: cannot allocate memory"
    default: nil
    }
  }
}
