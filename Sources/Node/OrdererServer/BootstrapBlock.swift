// Where the genesis block of the system channel comes from.

import FabricProtos
import Foundation
import GenesisProfiles
import Logging
import OrdererConfiguration
import Storage

enum BootstrapBlock {
  /// Largest genesis block that is read, in bytes.
  static let maximumSize = 64 << 20

  /// The genesis block that the configuration names; nil if the node starts without a system channel.
  ///
  /// - Parameter configurationDirectory: Where `configtx.yaml` is, for the provisional method.
  static func load(
    _ general: OrdererConfiguration.General, configurationDirectory: String, logger: Logger
  ) throws -> Block? {
    switch general.bootstrapMethod {
    case .none: nil
    case .file: try read(general.bootstrapFile)
    case .provisional:
      try StartupError.wrap(
        "No genesis block could be made of profile \(general.genesisProfile)"
      ) {
        let path = configurationDirectory + "/configtx.yaml"
        let document = try ProfileDocument(contentsOf: path)
        let profile = try document.profile(general.genesisProfile)
        for warning in document.warnings + profile.warnings { logger.warning("\(warning)") }
        return try GenesisBlockFactory.block(
          profile: profile, channelID: general.systemChannel, now: Date())
      }
    }
  }

  private static func read(_ path: String) throws -> Block {
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(path, limit: maximumSize)
    } catch .tooLarge(_, _, let limit) {
      throw StartupError(
        "unable to bootstrap orderer: \(path) is larger than \(limit) bytes, no genesis block")
    } catch {
      throw StartupError(
        """
        unable to bootstrap orderer: the genesis block \(path) cannot be read \
        (\(error.reason)); set General.BootstrapFile (General.GenesisFile before 2.0) to the genesis \
        block of the system channel, or General.BootstrapMethod to provisional or none
        """)
    }
    do {
      return try Block(serialized: bytes)
    } catch {
      throw StartupError(
        "unable to bootstrap orderer: error unmarshalling genesis block \(path): \(error)")
    }
  }
}
