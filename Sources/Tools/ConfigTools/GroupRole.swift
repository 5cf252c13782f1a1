// The groups of a configuration as JSON. The group that a value is in tells what the value holds.

import ChannelConfig

/// Where in the tree a group is (Fabric: protolator's `Dynamic…Group` types).
enum GroupRole {
  case channel, orderer, ordererOrganization, application, applicationOrganization
  case consortiums, consortium, consortiumOrganization
  /// A group where none belongs.
  case unknown

  /// A `common.ConfigGroup` in this place.
  func group(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "version": message.uint64(1),
      "groups": try message.map(2, "groups") { name, child throws(ConfigToolsError) in
        try role(of: name).group(child)
      },
      "values": try message.map(3, "values") { name, child throws(ConfigToolsError) in
        try ConfigJSON.configValue(value(name))(child)
      },
      "policies": try message.map(4, "policies") { _, child throws(ConfigToolsError) in
        .object([
          "version": child.uint64(1), "policy": try child.message(2, "policy", ConfigJSON.policy),
          "mod_policy": try child.string(3),
        ])
      },
      "mod_policy": try message.string(5),
    ])
  }

  private func role(of name: String) -> GroupRole {
    switch (self, name) {
    case (.channel, ConfigKey.orderer): .orderer
    case (.channel, ConfigKey.application): .application
    case (.channel, ConfigKey.consortiums): .consortiums
    case (.orderer, _): .ordererOrganization
    case (.application, _): .applicationOrganization
    case (.consortiums, _): .consortium
    case (.consortium, _): .consortiumOrganization
    default: .unknown
    }
  }

  /// What renders the value of that name; nil if there is no such value here.
  private func value(_ name: String) -> WireMessage.Renderer? {
    switch (self, name) {
    case (.channel, ConfigKey.hashingAlgorithm), (.channel, ConfigKey.consortium):
      ConfigJSON.name
    case (.channel, ConfigKey.blockDataHashingStructure): ConfigJSON.hashingStructure
    case (.channel, ConfigKey.ordererAddresses),
      (.ordererOrganization, ConfigKey.endpoints):
      ConfigJSON.addresses
    case (.channel, ConfigKey.capabilities), (.orderer, ConfigKey.capabilities),
      (.application, ConfigKey.capabilities):
      ConfigJSON.capabilities
    case (.channel, ConfigKey.orderers), (.orderer, ConfigKey.orderers): ConfigJSON.orderers
    case (.orderer, ConfigKey.consensusType): ConfigJSON.consensusType
    case (.orderer, ConfigKey.batchSize): ConfigJSON.batchSize
    case (.orderer, ConfigKey.batchTimeout): ConfigJSON.batchTimeout
    case (.orderer, ConfigKey.kafkaBrokers): ConfigJSON.kafkaBrokers
    case (.orderer, ConfigKey.channelRestrictions): ConfigJSON.channelRestrictions
    case (.application, ConfigKey.acls): ConfigJSON.acls
    case (.applicationOrganization, ConfigKey.anchorPeers): ConfigJSON.anchorPeers
    case (.consortium, ConfigKey.channelCreationPolicy): ConfigJSON.policy
    case (.ordererOrganization, ConfigKey.msp), (.applicationOrganization, ConfigKey.msp),
      (.consortiumOrganization, ConfigKey.msp):
      ConfigJSON.mspConfig
    default: nil
    }
  }
}
