// The names of the groups and values of a channel config. Fabric: common/channelconfig.

/// Names within the config tree.
package enum ConfigKey {
  /// The root group.
  package static let channel = "Channel"
  /// The group of the ordering service.
  package static let orderer = "Orderer"
  /// The group of the application.
  package static let application = "Application"
  /// The group of the consortiums; only a system channel has it.
  package static let consortiums = "Consortiums"

  /// Channel value: `common.HashingAlgorithm`.
  package static let hashingAlgorithm = "HashingAlgorithm"
  /// Channel value: `common.BlockDataHashingStructure`.
  package static let blockDataHashingStructure = "BlockDataHashingStructure"
  /// Channel value: `common.OrdererAddresses`.
  package static let ordererAddresses = "OrdererAddresses"
  /// Channel value: `common.Consortium`.
  package static let consortium = "Consortium"
  /// Value of the channel, orderer and application groups: `common.Capabilities`.
  package static let capabilities = "Capabilities"

  /// Orderer value: `orderer.ConsensusType`.
  package static let consensusType = "ConsensusType"
  /// Orderer value: `orderer.BatchSize`.
  package static let batchSize = "BatchSize"
  /// Orderer value: `orderer.BatchTimeout`.
  package static let batchTimeout = "BatchTimeout"
  /// Orderer value: `orderer.KafkaBrokers`.
  package static let kafkaBrokers = "KafkaBrokers"
  /// Orderer value: `orderer.ChannelRestrictions`.
  package static let channelRestrictions = "ChannelRestrictions"
  /// Orderer value: `common.Orderers`, the consenters of BFT.
  package static let orderers = "Orderers"

  /// Organization value: `msp.MSPConfig`.
  package static let msp = "MSP"
  /// Value of an ordering organization: `common.OrdererAddresses`.
  package static let endpoints = "Endpoints"
  /// Value of an application organization: `protos.AnchorPeers`.
  package static let anchorPeers = "AnchorPeers"
  /// Application value: `protos.ACLs`.
  package static let acls = "ACLs"
  /// Value of a consortium: `common.Policy`.
  package static let channelCreationPolicy = "ChannelCreationPolicy"
}
