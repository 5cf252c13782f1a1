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

/// The block of a system channel that a node begins with: the first, or a later config block.
package enum SystemGenesisBlock {
  /// The configuration in the block.
  ///
  /// - Throws: ``BootstrapError`` if the block is not a config block of a system channel that this
  ///   release can order (Fabric: `onboarding.ValidateBootstrapBlock`).
  package static func validate(_ genesis: Block) throws(BootstrapError) -> ConfigBundle {
    guard let entry = genesis.data.first else { throw BootstrapError("empty block data") }
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
