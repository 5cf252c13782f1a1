// How servers accept connections.

import NIOCore
import NIOPosix

extension ServerBootstrap {
  private struct Refused: Error {}

  /// A bootstrap whose listener survives a shortage of descriptors and can take over an address that
  /// was in use a moment ago; its connections send small writes at once.
  ///
  /// - Parameters:
  ///   - backlog: Connections that the kernel keeps until they are accepted.
  ///   - door: decides which connections stay; the others are closed at once.
  ///   - configure: makes the pipeline of a connection, on its event loop.
  package static func accepting(
    on group: MultiThreadedEventLoopGroup, backlog: Int32, through door: Doorkeeper,
    _ configure: @escaping @Sendable (any Channel) throws -> Void
  ) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptPause(door: door))
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard door.admit(channel) else { throw Refused() }
          channel.parent?.pipeline.fireUserInboundEventTriggered(
            ConnectionAdmitted(id: ObjectIdentifier(channel)))
          try configure(channel)
        }
      }
  }
}
