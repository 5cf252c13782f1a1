// Why a channel must not go on.

/// Something that ends its channel, and never the node: the channel halts with this reason.
package struct ChannelFault: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }

  /// An invariant does not hold: going on might write what other nodes do not have.
  ///
  /// - Parameter finding: What was found, for whoever investigates the cause.
  package static func broken(_ finding: String) -> ChannelFault {
    ChannelFault("internal error: \(finding); this is a fault of the orderer, please report it")
  }
}
