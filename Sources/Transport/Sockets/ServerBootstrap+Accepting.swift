// How servers accept connections.

import NIOCore
import NIOPosix

extension ServerBootstrap {
  /// A bootstrap whose listener survives a shortage of descriptors and can take over an address that
  /// was in use a moment ago; its connections send small writes at once.
  ///
  /// - Parameter backlog: Connections that the kernel keeps until they are accepted.
  package static func accepting(
    on group: MultiThreadedEventLoopGroup, backlog: Int32
  ) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        // Without descriptors left, accepting pauses instead of spinning.
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
  }
}
