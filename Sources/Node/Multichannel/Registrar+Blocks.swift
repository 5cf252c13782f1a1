// The configuration in the blocks that a node, or a channel, begins with.

import BlockLedger
import ChannelConfig
import FabricProtos

extension Registrar {
  /// The bundle of a block that can bootstrap a system channel.
  ///
  /// - Throws: ``RegistrarError`` (Fabric: `onboarding.ValidateBootstrapBlock`).
  package static func validateBootstrap(_ genesis: Block) throws -> ConfigBundle {
    guard genesis.header.number == 0, let entry = genesis.data.first else {
      throw RegistrarError(
        "Failed validating bootstrap block: block \(genesis.header.number) is not a genesis block")
    }
    let bundle: ConfigBundle
    do {
      bundle = try ConfigBundle(configEnvelope: entry)
      try bundle.checkCapabilitiesSupported()
    } catch {
      throw RegistrarError("Failed validating bootstrap block: \(error)")
    }
    guard bundle.consortiums != nil else {
      throw RegistrarError(
        """
        Failed validating bootstrap block: the block isn't a system channel block because it lacks \
        ConsortiumsConfig
        """)
    }
    return bundle
  }

  /// The configuration in force at the end of a chain.
  static func bundle(of store: any BlockStore) throws -> ConfigBundle {
    let index = try store.block(store.height - 1).lastConfigIndex()
    guard let entry = try store.block(index).data.first else {
      throw RegistrarError("config block \(index) of channel \(store.channelID) holds no message")
    }
    let bundle = try ConfigBundle(configEnvelope: entry)
    guard bundle.channelID == store.channelID else {
      throw RegistrarError(
        """
        the ledger of channel \(store.channelID) holds the configuration of channel \
        \(bundle.channelID)
        """)
    }
    try bundle.checkCapabilitiesSupported()
    return bundle
  }
}
