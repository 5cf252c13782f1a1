// What a message is on its way into a block, as its header type tells.

import FabricProtos

/// How a message is to be processed (Fabric: `msgprocessor.StandardChannel.ClassifyMsg`).
package enum MessageClass: Sendable, Hashable {
  /// Any message that does not change a configuration, also one of an unknown type.
  case normal
  /// A CONFIG_UPDATE. It goes into no block; the config message made from it does.
  case configUpdate
  /// A message that makes its block a config block (``BlockKind/isConfigBlock``): a CONFIG or an
  /// ORDERER_TRANSACTION. Only orderers make these, so Broadcast refuses them.
  case config

  package init(_ envelope: EnvelopeView) {
    if Int(envelope.headerType) == Common_HeaderType.configUpdate.rawValue {
      self = .configUpdate
    } else {
      self = BlockKind(holding: envelope).isConfigBlock ? .config : .normal
    }
  }
}
