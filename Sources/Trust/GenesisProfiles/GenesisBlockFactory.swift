// Makes the first block of a channel from a profile.

import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import SwiftProtobuf

/// Makes genesis blocks.
package enum GenesisBlockFactory {
  /// The genesis block of a channel with this profile's configuration.
  ///
  /// The same input makes the same bytes. Fabric: `common/genesis` and configtxgen's `-outputBlock`.
  ///
  /// - Parameters:
  ///   - profile: Must have an Orderer section and either Consortiums (a system channel) or an
  ///     Application (an application channel).
  ///   - channelID: 1 to 249 of a-z, 0-9, dot and dash, starting with a letter.
  ///   - timestamp: Seconds since 1970 in the channel header.
  ///   - nonce: Random bytes of the signature header; Fabric uses 24.
  /// - Throws: ``GenesisError``.
  package static func block(
    profile: Profile, channelID: String, timestamp: Int64, nonce: [UInt8]
  ) throws(GenesisError) -> Block {
    try check(profile)
    try check(channelID: channelID, for: profile)
    var config = Common_Config()
    config.channelGroup = try profile.channelGroup()
    var configEnvelope = Common_ConfigEnvelope()
    configEnvelope.config = config

    var signatureHeader = Common_SignatureHeader()
    signatureHeader.nonce = Data(nonce)
    var channelHeader = Common_ChannelHeader()
    channelHeader.type = Int32(Common_HeaderType.config.rawValue)
    channelHeader.version = 1
    channelHeader.timestamp.seconds = timestamp
    channelHeader.channelID = channelID
    // The hash covers nonce and creator; there is no creator.
    channelHeader.txID = hexadecimal(SHA256Digest.hash(nonce))

    let envelope = try envelope(
      of: try profile.serialize(configEnvelope), channelHeader, signatureHeader, profile: profile)
    let data = try profile.serialize(envelope)
    let header = BlockHeader(number: 0, previousHash: [], dataHash: SHA256Digest.hash(data))
    return Block(
      header: header, data: [data], metadata: try metadata(dialect: profile.dialect, profile))
  }

  /// As ``block(profile:channelID:timestamp:nonce:)`` with a random nonce.
  package static func block(
    profile: Profile, channelID: String, now: Date
  ) throws(GenesisError) -> Block {
    try block(
      profile: profile, channelID: channelID, timestamp: Int64(now.timeIntervalSince1970),
      nonce: Nonce.random())
  }

  private static func metadata(
    dialect: ConfigtxDialect, _ profile: Profile
  ) throws(GenesisError) -> [[UInt8]] {
    var entries = [[UInt8]](repeating: [], count: Common_BlockMetadataIndex.allCases.count)
    // LAST_CONFIG holds the number of the last config block. For block 0 that serializes to
    // nothing, at both levels, so the entry stays empty.
    if dialect != .fabric1 {
      var ordererMetadata = Common_OrdererBlockMetadata()
      ordererMetadata.lastConfig = Common_LastConfig()
      var signatures = Common_Metadata()
      signatures.value = Data(try profile.serialize(ordererMetadata))
      entries[Common_BlockMetadataIndex.signatures.rawValue] = try profile.serialize(signatures)
    }
    return entries
  }

  // MARK: Shared with channel creation

  static func envelope(
    of data: [UInt8], _ channelHeader: Common_ChannelHeader,
    _ signatureHeader: Common_SignatureHeader, profile: Profile
  ) throws(GenesisError) -> Common_Envelope {
    var payload = Common_Payload()
    payload.header.channelHeader = Data(try profile.serialize(channelHeader))
    payload.header.signatureHeader = Data(try profile.serialize(signatureHeader))
    payload.data = Data(data)
    var envelope = Common_Envelope()
    envelope.payload = Data(try profile.serialize(payload))
    return envelope
  }

  private static func check(_ profile: Profile) throws(GenesisError) {
    guard let orderer = profile.orderer else {
      throw profile.error(
        .unsuitableProfile, "a genesis block needs an Orderer section, and there is none")
    }
    guard profile.consortiums != nil || profile.application != nil else {
      throw profile.error(
        .unsuitableProfile,
        "a genesis block needs Consortiums (system channel) or an Application section"
          + " (application channel), and there is neither")
    }
    var organizations = orderer.organizations + (profile.application?.organizations ?? [])
    for consortium in profile.consortiums ?? [] { organizations += consortium.organizations }
    for organization in organizations where organization.skipAsForeign {
      throw profile.error(
        .unsuitableProfile, at: organization.place, value: organization.name,
        "is marked SkipAsForeign, but a genesis block needs every organization's definition")
    }
  }

  /// Checks that a channel may have this name.
  static func check(channelID: String, for profile: Profile) throws(GenesisError) {
    do {
      try ChannelName.check(channelID)
    } catch {
      throw profile.error(
        .invalidChannelID, value: channelID,
        "no channel can have this name; use up to 249 of a-z, 0-9, dot and dash,"
          + " starting with a letter")
    }
  }
}
