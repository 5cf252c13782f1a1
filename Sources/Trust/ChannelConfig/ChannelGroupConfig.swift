// The values of the channel group. Fabric: channelconfig/channel.

import FabricProtos

/// What the root group of a channel config says about the whole channel.
package struct ChannelGroupConfig: Sendable, Equatable {
  /// The hash functions that a config may name. Blocks are hashed with SHA-256 whatever it names.
  package enum HashingAlgorithm: String, Sendable {
    case sha256 = "SHA256"
    case sha3 = "SHA3_256"
  }

  /// The only width of block data hashing there is: one hash over everything.
  package static let supportedHashingWidth = UInt32.max

  /// The named hash function.
  package let hashingAlgorithm: HashingAlgorithm
  /// Always ``supportedHashingWidth``.
  package let blockDataHashingWidth: UInt32
  /// Addresses of orderers for all organizations ("host:port"); may be empty from capability V1_4_2
  /// on and must be from V3_0 on.
  package let ordererAddresses: [String]
  /// The consortium that the channel was created for; empty for a system channel or without one.
  package let consortiumName: String
  /// The enabled capabilities.
  package let capabilities: ChannelCapabilities

  init(_ group: Common_ConfigGroup) throws(ConfigError) {
    let values = try GroupValues(
      group, path: "/Channel",
      allowing: [
        ConfigKey.hashingAlgorithm, ConfigKey.blockDataHashingStructure,
        ConfigKey.ordererAddresses, ConfigKey.consortium, ConfigKey.capabilities,
        ConfigKey.orderers,
      ])
    capabilities = ChannelCapabilities(try values.capabilities())

    let name = try values.read(Common_HashingAlgorithm.self, ConfigKey.hashingAlgorithm).name
    guard let algorithm = HashingAlgorithm(rawValue: name) else {
      throw ConfigError(.invalid, "Unknown hashing algorithm type: \(name)")
    }
    hashingAlgorithm = algorithm

    blockDataHashingWidth = try values.read(
      Common_BlockDataHashingStructure.self, ConfigKey.blockDataHashingStructure
    ).width
    guard blockDataHashingWidth == Self.supportedHashingWidth else {
      throw ConfigError(
        .invalid,
        "BlockDataHashStructure width only supported at MaxUint32 in this version, but is "
          + "\(blockDataHashingWidth)")
    }

    ordererAddresses = try values.read(
      Common_OrdererAddresses.self, ConfigKey.ordererAddresses
    ).addresses
    try OrganizationEndpoints.checkGlobal(ordererAddresses, capabilities)

    consortiumName = try values.read(Common_Consortium.self, ConfigKey.consortium).name
    _ = try values.read(Common_Orderers.self, ConfigKey.orderers)
  }
}
