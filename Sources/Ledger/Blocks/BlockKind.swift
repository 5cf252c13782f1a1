// The one answer to "is this a config block", of which there are two kinds.

import BlockLedger
import FabricProtos

/// What a block is for, as its message's type tells if it holds only one.
package enum BlockKind: Sendable {
  /// It holds messages of clients.
  case normal
  /// It holds a CONFIG message: the channel's configuration from here on.
  case configuration(EnvelopeView)
  /// It holds an ORDERER_TRANSACTION message of a system channel, which creates a channel; the
  /// configuration of its own channel stays.
  case channelCreation(EnvelopeView)

  /// The kind of a block that holds nothing but this message.
  package init(holding envelope: EnvelopeView) {
    switch Int(envelope.headerType) {
    case Common_HeaderType.config.rawValue: self = .configuration(envelope)
    case Common_HeaderType.ordererTransaction.rawValue: self = .channelCreation(envelope)
    default: self = .normal
    }
  }

  /// The kind of a block whose data is this serialized envelope and nothing else.
  package init(holding entry: [UInt8]) {
    if let envelope = try? EnvelopeView(entry) {
      self.init(holding: envelope)
    } else {
      self = .normal
    }
  }

  /// Whether such a block is a config block in Fabric's sense (`protoutil.IsConfigBlock`): it holds a
  /// CONFIG message or one that creates a channel, and so stands alone.
  package var isConfigBlock: Bool {
    if case .normal = self { false } else { true }
  }
}

extension AssembledBlock {
  /// What the block is for.
  package var kind: BlockKind {
    data.count == 1 ? BlockKind(holding: data[0]) : .normal
  }
}

extension Block {
  /// What the block is for.
  package var kind: BlockKind {
    data.count == 1 ? BlockKind(holding: data[0]) : .normal
  }

  /// Whether the block is a config block, see ``BlockKind/isConfigBlock``.
  package var isConfigBlock: Bool { kind.isConfigBlock }

  /// The CONFIG message in the block, which is the channel's configuration from here on; nil if the block
  /// holds anything else, also if it creates another channel.
  package var configEnvelope: EnvelopeView? {
    if case .configuration(let envelope) = kind { envelope } else { nil }
  }
}
