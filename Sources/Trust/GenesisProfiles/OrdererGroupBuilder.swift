// The Orderer group of a channel's configuration: batching, the consenter and its nodes.

import FabricProtos
import Foundation
import Policies
import Storage

extension ChannelGroupBuilder {
  /// Fabric: `encoder.NewOrdererGroup`.
  mutating func ordererGroup(
    _ orderer: Profile.Orderer
  ) throws(GenesisError) -> Common_ConfigGroup {
    let requiresV3 = profile.dialect == .fabric3 && profile.capabilities["V3_0"] == true
    if case .bft = orderer.type, !requiresV3 {
      throw profile.error(
        .invalidValue, at: orderer.place, value: "BFT",
        "orderer type BFT needs the channel capability V3_0: true")
    }
    if requiresV3 && !orderer.addresses.isEmpty {
      throw profile.error(
        .invalidValue, at: orderer.place, value: orderer.addresses.joined(separator: ", "),
        "Addresses cannot be used with the channel capability V3_0;"
          + " give OrdererEndpoints to the orderer organizations instead")
    }

    var group = Common_ConfigGroup()
    group.modPolicy = Self.admins
    var defaults = Self.implicitMetaDefaults
    defaults["BlockValidation"] = PolicyTemplate.implicitMeta(.any, "Writers")
    try addPolicies(
      orderer.policies, defaults: defaults,
      required: ["BlockValidation", "Readers", "Writers", "Admins"], of: "the orderer group",
      at: orderer.place, to: &group)

    var batchSize = Orderer_BatchSize()
    batchSize.maxMessageCount = orderer.batchSize.maxMessageCount
    batchSize.absoluteMaxBytes = orderer.batchSize.absoluteMaxBytes
    batchSize.preferredMaxBytes = orderer.batchSize.preferredMaxBytes
    try add("BatchSize", batchSize, to: &group)
    var batchTimeout = Orderer_BatchTimeout()
    batchTimeout.timeout = orderer.batchTimeout.description
    try add("BatchTimeout", batchTimeout, to: &group)
    var restrictions = Orderer_ChannelRestrictions()
    restrictions.maxCount = orderer.maxChannels
    try add("ChannelRestrictions", restrictions, to: &group)
    try addCapabilities(orderer.capabilities, to: &group)
    try addConsensus(orderer.type, to: &group)

    for organization in orderer.organizations {
      var child = try organizationGroup(organization)
      if !organization.skipAsForeign {
        if !organization.ordererEndpoints.isEmpty {
          try add("Endpoints", addresses(organization.ordererEndpoints), to: &child)
        } else if requiresV3 {
          throw profile.error(
            .missingSetting, at: organization.place,
            "organization \(organization.name) needs OrdererEndpoints,"
              + " since the channel capability V3_0 is required")
        }
      }
      try addGroup(organization.name, child, at: organization.place, to: &group)
    }
    return group
  }

  private func addConsensus(
    _ type: Profile.OrdererType, to group: inout Common_ConfigGroup
  ) throws(GenesisError) {
    var consensus = Orderer_ConsensusType()
    consensus.type = type.name
    switch type {
    case .solo: break
    case .kafka(let brokers):
      var value = Orderer_KafkaBrokers()
      value.brokers = brokers
      try add("KafkaBrokers", value, to: &group)
    case .etcdraft(let consenters, let options):
      var metadata = Etcdraft_ConfigMetadata()
      metadata.options = options
      for consenter in consenters {
        var entry = Etcdraft_Consenter()
        entry.host = consenter.host
        entry.port = consenter.port
        entry.clientTlsCert = try certificate(consenter.clientTLSCertificate, consenter.place)
        entry.serverTlsCert = try certificate(consenter.serverTLSCertificate, consenter.place)
        metadata.consenters.append(entry)
      }
      consensus.metadata = Data(try profile.serialize(metadata))
    case .bft(let consenters, let options):
      var orderers = Common_Orderers()
      for consenter in consenters {
        var entry = Common_Consenter()
        entry.id = consenter.id
        entry.host = consenter.host
        entry.port = consenter.port
        entry.mspID = consenter.mspID
        entry.identity = try certificate(consenter.identity, consenter.place)
        entry.clientTlsCert = try certificate(consenter.clientTLSCertificate, consenter.place)
        entry.serverTlsCert = try certificate(consenter.serverTLSCertificate, consenter.place)
        orderers.consenterMapping.append(entry)
      }
      try add("Orderers", orderers, to: &group)
      consensus.metadata = Data(try profile.serialize(options))
      // Whatever the file says: blocks are valid with signatures of a quorum of these nodes.
      group.policies["BlockValidation"]?.policy = PolicyTemplate.policy(
        PolicyTemplate.bftBlockValidation(consenters: orderers.consenterMapping))
    }
    try add("ConsensusType", consensus, to: &group)
  }

  /// Bytes of a certificate file that are accepted; real ones have about 1 kB.
  private static var maximumCertificateSize: Int { 1 << 18 }

  private func certificate(_ path: String, _ place: Profile.Place) throws(GenesisError) -> Data {
    do {
      return Data(try BoundedFile.read(path, limit: Self.maximumCertificateSize))
    } catch {
      throw profile.error(
        .unreadableFile, at: place, value: path,
        "the consenter's certificate cannot be read: \(error)")
    }
  }
}
