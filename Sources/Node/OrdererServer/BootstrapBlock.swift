// Where the genesis block of the system channel comes from.

import FabricProtos
import Foundation
import GenesisProfiles
import Logging
import OrdererConfiguration

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
        return try GenesisBlockFactory.block(profile: profile, channelID: general.systemChannel)
      }
    }
  }

  private static func read(_ path: String) throws -> Block {
    let bytes: [UInt8]
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      bytes = [UInt8](try handle.read(upToCount: maximumSize + 1) ?? Data())
    } catch {
      throw StartupError(
        """
        unable to bootstrap orderer: the genesis block \(path) cannot be read \
        (\(StartupError.reason(error))); set General.BootstrapFile (General.GenesisFile before 2.0) to the genesis \
        block of the system channel, or General.BootstrapMethod to provisional or none
        """)
    }
    guard bytes.count <= maximumSize else {
      throw StartupError(
        "unable to bootstrap orderer: \(path) is larger than \(maximumSize) bytes, no genesis block"
      )
    }
    do {
      return try Block(serialized: bytes)
    } catch {
      throw StartupError(
        "unable to bootstrap orderer: error unmarshalling genesis block \(path): \(error)")
    }
  }
}
