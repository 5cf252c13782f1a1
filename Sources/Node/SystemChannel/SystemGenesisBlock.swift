// The rules for the block that a system channel begins with.

import ChannelConfig
import FabricProtos

/// Why a block cannot bootstrap a node.
package struct BootstrapError: Error, CustomStringConvertible {
  package let description: String

  init(_ reason: String) {
    description = "Failed validating bootstrap block: \(reason)"
  }
}

/// The first block of a system channel.
package enum SystemGenesisBlock {
  /// The configuration that a system channel begins with.
  ///
  /// - Throws: ``BootstrapError`` if the block is not the genesis block of a system channel that this
  ///   release can order (Fabric: `onboarding.ValidateBootstrapBlock`).
  package static func validate(_ genesis: Block) throws(BootstrapError) -> ConfigBundle {
    guard genesis.header.number == 0, let entry = genesis.data.first else {
      throw BootstrapError("block \(genesis.header.number) is not a genesis block")
    }
    let bundle: ConfigBundle
    do {
      bundle = try ConfigBundle(configEnvelope: entry)
      try bundle.checkCapabilitiesSupported()
    } catch { throw BootstrapError("\(error)") }
    guard bundle.consortiums != nil else {
      throw BootstrapError(
        "the block isn't a system channel block because it lacks ConsortiumsConfig")
    }
    return bundle
  }
}
