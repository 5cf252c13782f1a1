// Makes the transaction that asks a system channel for a new channel.

import ChannelConfig
import FabricCrypto
import FabricProtos
import Foundation
import Membership
import SwiftProtobuf

/// Makes channel-creation transactions.
package enum ChannelCreation {
  /// The update that defines a new channel against the system channel's configuration.
  ///
  /// Fabric: `encoder.NewChannelCreateConfigUpdate`.
  ///
  /// - Parameters:
  ///   - profile: Must have a Consortium and an Application section.
  ///   - channelID: The new channel; rules as for genesis blocks.
  ///   - systemChannel: The profile of the system channel, needed to change values outside of the
  ///     application group; by default all of these are taken to be as in the system channel.
  /// - Throws: ``GenesisError``.
  package static func configUpdate(
    profile: Profile, channelID: String, systemChannel: Profile? = nil
  ) throws(GenesisError) -> Common_ConfigUpdate {
    guard let application = profile.application else {
      throw profile.error(
        .unsuitableProfile, "a new channel needs an Application section, and there is none")
    }
    guard let consortiumName = profile.consortium else {
      throw profile.error(
        .unsuitableProfile,
        "a new channel needs a Consortium: one of the system channel it is created from")
    }
    try GenesisBlockFactory.check(channelID: channelID, for: profile)
    let group = try profile.channelGroup()
    var template: Common_ConfigGroup
    if let systemChannel {
      template = try Self.template(
        of: systemChannel, consortium: consortiumName, application: application, for: profile)
    } else {
      template = group
      template.groups["Application"]?.values = [:]
      template.groups["Application"]?.policies = [:]
    }
    var (original, updated) = (Common_Config(), Common_Config())
    original.channelGroup = template
    updated.channelGroup = group
    var update: Common_ConfigUpdate
    do {
      update = try ConfigUpdateBuilder.compute(
        channelID: channelID, original: original, updated: updated)
    } catch {
      throw profile.error(
        .unsuitableProfile, "no update leads from the system channel to the new one: \(error)")
    }
    var consortium = Common_Consortium()
    consortium.name = consortiumName
    var value = Common_ConfigValue()
    update.readSet.values["Consortium"] = value
    value.value = Data(try profile.serialize(consortium))
    update.writeSet.values["Consortium"] = value
    return update
  }

  /// The transaction for a new channel, to be sent to the system channel's orderer.
  ///
  /// Fabric: `encoder.MakeChannelCreationTransaction` and configtxgen's `-outputCreateChannelTx`.
  ///
  /// - Parameters:
  ///   - timestamp: Seconds since 1970 in the channel header.
  ///   - signer: Who signs update and envelope; without one both stay unsigned, for clients to sign.
  ///   - nonces: Two nonces for the signatures; used only with a signer.
  /// - Throws: ``GenesisError``.
  package static func transaction(
    profile: Profile, channelID: String, systemChannel: Profile? = nil, timestamp: Int64,
    signer: (any Signer)? = nil,
    nonces: (update: [UInt8], envelope: [UInt8])? = nil
  ) throws(GenesisError) -> Common_Envelope {
    let update = try configUpdate(
      profile: profile, channelID: channelID, systemChannel: systemChannel)
    var updateEnvelope = Common_ConfigUpdateEnvelope()
    let updateBytes = try profile.serialize(update)
    updateEnvelope.configUpdate = Data(updateBytes)
    let nonces =
      nonces ?? (Nonce.random(), Nonce.random())
    var signatureHeader = Common_SignatureHeader()
    if let signer {
      signatureHeader.creator = Data(signer.serializedIdentity)
      signatureHeader.nonce = Data(nonces.update)
      let header = try profile.serialize(signatureHeader)
      var signature = Common_ConfigSignature()
      signature.signatureHeader = Data(header)
      signature.signature = Data(try sign([header[...], updateBytes[...]], signer, profile))
      updateEnvelope.signatures = [signature]
      signatureHeader.nonce = Data(nonces.envelope)
    }
    var channelHeader = Common_ChannelHeader()
    channelHeader.type = Int32(Common_HeaderType.configUpdate.rawValue)
    channelHeader.timestamp.seconds = timestamp
    channelHeader.channelID = channelID
    var envelope = try GenesisBlockFactory.envelope(
      of: try profile.serialize(updateEnvelope), channelHeader, signatureHeader, profile: profile)
    if let signer {
      envelope.signature = Data(try sign([Array(envelope.payload)[...]], signer, profile))
    }
    return envelope
  }

  private static func sign(
    _ parts: [ArraySlice<UInt8>], _ signer: any Signer, _ profile: Profile
  ) throws(GenesisError) -> [UInt8] {
    do {
      return try signer.sign(parts)
    } catch {
      throw profile.error(.encodingFailed, "the transaction cannot be signed: \(error)")
    }
  }

  /// What a new channel inherits from a system channel (Fabric: `ConfigTemplateFromGroup`).
  private static func template(
    of systemChannel: Profile, consortium name: String, application: Profile.Application,
    for profile: Profile
  ) throws(GenesisError) -> Common_ConfigGroup {
    var builder = ChannelGroupBuilder(profile: systemChannel)
    var template = try builder.channel()
    guard let consortiums = template.groups["Consortiums"] else {
      throw systemChannel.error(
        .unsuitableProfile, "is not a system channel: it has no Consortiums section")
    }
    guard let consortium = consortiums.groups[name] else {
      throw systemChannel.error(
        .unsuitableProfile, "has no consortium \(name), which profile \(profile.name) names")
    }
    var group = Common_ConfigGroup()
    if systemChannel.dialect != .fabric1 {
      group.policies[ChannelGroupBuilder.admins] = Common_ConfigPolicy()
    }
    for organization in application.organizations {
      guard let member = consortium.groups[organization.name] else {
        throw profile.error(
          .unsuitableProfile, at: organization.place, value: organization.name,
          "is not a member of consortium \(name) in profile \(systemChannel.name)")
      }
      group.groups[organization.name] = member
    }
    template.groups["Application"] = group
    template.groups["Consortiums"] = nil
    var value = Common_Consortium()
    value.name = name
    try builder.add("Consortium", value, to: &template)
    return template
  }
}
