// The values of the orderer group. Fabric: channelconfig/orderer.

import FabricProtos
import GoText

/// What a channel config says about the ordering service.
package struct OrdererGroupConfig: Sendable, Equatable {
  /// When a batch of messages is full.
  package struct BatchSize: Sendable, Equatable {
    /// How many messages a block holds at most; at least 1.
    package let maxMessageCount: UInt32
    /// How many bytes of messages a block holds at most; larger messages are refused. At least 1.
    package let absoluteMaxBytes: UInt32
    /// How many bytes of messages a block should hold, not more than ``absoluteMaxBytes``; a larger
    /// message gets a block of its own. At least 1.
    package let preferredMaxBytes: UInt32
  }

  /// The name of the consensus: "solo", "kafka", "etcdraft", "BFT". Any name passes here.
  package let consensusType: String
  /// Options of the consensus, a message of its own kind.
  package let consensusMetadata: [UInt8]
  /// Whether the channel is in maintenance for a change of consensus.
  package let consensusState: Orderer_ConsensusType.State
  /// When a batch is full.
  package let batchSize: BatchSize
  /// How long a message waits at most until its batch is cut; more than zero.
  package let batchTimeout: Duration
  /// Addresses of Kafka brokers ("host:port").
  package let kafkaBrokers: [String]
  /// How many channels there may be; 0 for no limit.
  package let maxChannelsCount: UInt64
  /// The ordering organizations by name.
  package let organizations: [String: OrganizationConfig]
  /// The enabled capabilities.
  package let capabilities: OrdererCapabilities
  /// The consenters of BFT.
  package let consenters: [Common_Consenter]

  init(
    _ group: Common_ConfigGroup, channel: ChannelCapabilities, msps: inout MSPRegistry
  ) throws(ConfigError) {
    let path = "/Channel/Orderer"
    let values = try GroupValues(
      group, path: path,
      allowing: [
        ConfigKey.consensusType, ConfigKey.batchSize, ConfigKey.batchTimeout,
        ConfigKey.kafkaBrokers, ConfigKey.channelRestrictions, ConfigKey.capabilities,
        ConfigKey.orderers,
      ])
    let consensus = try values.read(Orderer_ConsensusType.self, ConfigKey.consensusType)
    consensusType = consensus.type
    consensusMetadata = Array(consensus.metadata)
    consensusState = consensus.state
    batchSize = try Self.batchSize(values.read(Orderer_BatchSize.self, ConfigKey.batchSize))
    batchTimeout = try Self.batchTimeout(
      values.read(Orderer_BatchTimeout.self, ConfigKey.batchTimeout).timeout)
    kafkaBrokers = try values.read(Orderer_KafkaBrokers.self, ConfigKey.kafkaBrokers).brokers
    if let broker = kafkaBrokers.first(where: { !Self.isBrokerAddress($0) }) {
      throw ConfigError(
        .invalid,
        "Invalid broker entry: \(broker); a broker is given as host:port")
    }
    maxChannelsCount = try values.read(
      Orderer_ChannelRestrictions.self, ConfigKey.channelRestrictions
    ).maxCount
    capabilities = OrdererCapabilities(try values.capabilities())
    consenters = try values.read(Common_Orderers.self, ConfigKey.orderers).consenterMapping

    organizations = try OrganizationConfig.all(
      in: group, path: path, role: .orderer(channel), msps: &msps)
    try OrganizationEndpoints.checkComplete(organizations, channel)
  }

  private static func batchSize(_ size: Orderer_BatchSize) throws(ConfigError) -> BatchSize {
    for (name, value) in [
      ("max message count", size.maxMessageCount), ("absolute max bytes", size.absoluteMaxBytes),
      ("preferred max bytes", size.preferredMaxBytes),
    ] where value == 0 {
      throw ConfigError(
        .invalid, "Attempted to set the batch size \(name) to an invalid value: 0")
    }
    guard size.preferredMaxBytes <= size.absoluteMaxBytes else {
      throw ConfigError(
        .invalid,
        "Attempted to set the batch size preferred max bytes (\(size.preferredMaxBytes)) greater "
          + "than the absolute max bytes (\(size.absoluteMaxBytes)).")
    }
    return BatchSize(
      maxMessageCount: size.maxMessageCount, absoluteMaxBytes: size.absoluteMaxBytes,
      preferredMaxBytes: size.preferredMaxBytes)
  }

  private static func batchTimeout(_ text: String) throws(ConfigError) -> Duration {
    let timeout: GoDuration
    do { timeout = try GoDuration(text) } catch {
      throw ConfigError(
        .invalid, "Attempted to set the batch timeout to a invalid value: \(error)")
    }
    guard timeout.nanoseconds > 0 else {
      throw ConfigError(
        .invalid, "Attempted to set the batch timeout to a non-positive value: \(timeout)")
    }
    return timeout.duration
  }

  /// Whether the text looks like host:port: a port from 0 to 65535, and a host of letters, digits,
  /// dots and dashes that begins and ends with a letter or digit. An empty host passes in Fabric,
  /// so it does here.
  static func isBrokerAddress(_ text: String) -> Bool {
    let parts = Array(text.utf8).split(
      separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 2 else { return false }
    let (host, port) = (parts[0], parts[1])
    guard !port.isEmpty, port.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      UInt16(String(decoding: port, as: UTF8.self)) != nil
    else { return false }
    guard let first = host.first, let last = host.last else { return true }
    return isAlphanumeric(first) && isAlphanumeric(last)
      && host.allSatisfy {
        isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
      }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
