// The names of the groups and values of a channel config. Fabric: common/channelconfig.

/// Names within the config tree.
public enum ConfigKey {
  /// The root group.
  public static let channel = "Channel"
  /// The group of the ordering service.
  public static let orderer = "Orderer"
  /// The group of the application.
  public static let application = "Application"
  /// The group of the consortiums; only a system channel has it.
  public static let consortiums = "Consortiums"

  /// Channel value: `common.HashingAlgorithm`.
  public static let hashingAlgorithm = "HashingAlgorithm"
  /// Channel value: `common.BlockDataHashingStructure`.
  public static let blockDataHashingStructure = "BlockDataHashingStructure"
  /// Channel value: `common.OrdererAddresses`.
  public static let ordererAddresses = "OrdererAddresses"
  /// Channel value: `common.Consortium`.
  public static let consortium = "Consortium"
  /// Value of the channel, orderer and application groups: `common.Capabilities`.
  public static let capabilities = "Capabilities"

  /// Orderer value: `orderer.ConsensusType`.
  public static let consensusType = "ConsensusType"
  /// Orderer value: `orderer.BatchSize`.
  public static let batchSize = "BatchSize"
  /// Orderer value: `orderer.BatchTimeout`.
  public static let batchTimeout = "BatchTimeout"
  /// Orderer value: `orderer.KafkaBrokers`.
  public static let kafkaBrokers = "KafkaBrokers"
  /// Orderer value: `orderer.ChannelRestrictions`.
  public static let channelRestrictions = "ChannelRestrictions"
  /// Orderer value: `common.Orderers`, the consenters of BFT.
  public static let orderers = "Orderers"

  /// Organization value: `msp.MSPConfig`.
  public static let msp = "MSP"
  /// Value of an ordering organization: `common.OrdererAddresses`.
  public static let endpoints = "Endpoints"
  /// Value of an application organization: `protos.AnchorPeers`.
  public static let anchorPeers = "AnchorPeers"
  /// Application value: `protos.ACLs`.
  public static let acls = "ACLs"
  /// Value of a consortium: `common.Policy`.
  public static let channelCreationPolicy = "ChannelCreationPolicy"
}
