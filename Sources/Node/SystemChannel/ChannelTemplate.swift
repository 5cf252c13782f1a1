// The config that a new channel starts from, before the creation transaction is applied to it.

import ChannelConfig
import FabricProtos
import Foundation
import GoText
import Logging
import MessageProcessing

/// Derives new channels' first config from the system channel's (Fabric:
/// `msgprocessor.DefaultTemplator`).
struct ChannelTemplate: Sendable {
  let logger: Logger

  private static let application = "Application"
  private static let admins = "Admins"
  private static let consortium = "Consortium"

  /// The parts of a creation transaction that select the template.
  struct Request {
    /// The new channel's name.
    let channelID: String
    /// The consortium to whose members the channel is open.
    let consortium: String
    /// The `Application` group to be written.
    let application: Common_ConfigGroup
  }

  /// Checks the form of a creation transaction, without regard to any config.
  func request(_ envelope: EnvelopeView) throws(ProcessingError) -> Request {
    let update = try ConfigUpdateMessage(envelope).update
    guard update.channelID == envelope.channelID else {
      throw .badRequest(
        "the channel creation names two channels: \(Quoting.name(update.channelID)) in the config update, "
          + "\(Quoting.name(envelope.channelID)) in the header")
    }
    do {
      try ChannelName.check(update.channelID)
    } catch {
      throw .badRequest("bad channel ID: \(error)")
    }
    guard update.hasWriteSet else { throw .badRequest("the config update has an empty write set") }
    guard let application = update.writeSet.groups[Self.application] else {
      throw .badRequest("the config update has no application group")
    }
    guard application.version == 1 else {
      throw .badRequest(
        "the config update for channel creation does not set the application group's version to "
          + "1, but to \(application.version)")
    }
    guard let value = update.writeSet.values[Self.consortium] else {
      throw .badRequest("the config update for channel creation has no consortium value")
    }
    let consortium = try decode(Common_Consortium.self, value.value, "the consortium value")
    return Request(
      channelID: envelope.channelID, consortium: consortium.name, application: application)
  }

  /// The config that a creation transaction is to be applied to.
  ///
  /// - Parameters:
  ///   - system: the system channel's config.
  func bundle(for request: Request, _ system: ConfigBundle) throws(ProcessingError) -> ConfigBundle
  {
    guard let consortiums = system.consortiums else {
      throw .badRequest("the ordering system channel has no consortiums to create channels for")
    }
    guard let consortium = consortiums.consortiums[request.consortium] else {
      throw .badRequest("unknown consortium name: \(Quoting.name(request.consortium))")
    }
    let orderer = try system.requiredOrderer(orThrow: ProcessingError.internalFailure)
    let systemGroup = system.config.channelGroup
    let members =
      systemGroup.groups["Consortiums"]?.groups[request.consortium]?.groups ?? [:]

    var group = Common_ConfigGroup()
    group.values = systemGroup.values
    group.policies = systemGroup.policies
    group.groups["Orderer"] = systemGroup.groups["Orderer"]
    group.groups[Self.application] = try applicationGroup(
      request, members: members, creationPolicy: consortium.channelCreationPolicy,
      policyName: policyName(request, orderer.capabilities))
    group.values[Self.consortium] = try consortiumValue(request.consortium)
    if orderer.capabilities.predictableChannelTemplate {
      group.modPolicy = systemGroup.modPolicy
      Self.resetVersions(&group)
    }
    var config = Common_Config()
    config.channelGroup = group
    do {
      return try ConfigBundle(channelID: request.channelID, config: config)
    } catch {
      throw .badRequest("no channel can be created as '\(request.channelID)': \(error)")
    }
  }

  /// The name under which the new channel's application group gets the consortium's policy for
  /// channel creation, which then guards that group.
  ///
  /// Transactions of old tools write the group's `Admins` policy as a new element (version 0), and
  /// therefore need the policy out of its way. Those of new tools, on orderers with the V2_0
  /// capability, replace `Admins` as they found it.
  private func policyName(_ request: Request, _ capabilities: OrdererCapabilities) -> String {
    let policies = request.application.policies
    guard capabilities.useChannelCreationPolicyAsAdmins, !policies.isEmpty,
      policies[Self.admins]?.version != 0
    else { return "ChannelCreationPolicy" }
    return Self.admins
  }

  private func applicationGroup(
    _ request: Request, members: [String: Common_ConfigGroup], creationPolicy: Common_Policy,
    policyName: String
  ) throws(ProcessingError) -> Common_ConfigGroup {
    var group = Common_ConfigGroup()
    var policy = Common_ConfigPolicy()
    policy.policy = creationPolicy
    policy.modPolicy = policyName
    group.policies[policyName] = policy
    group.modPolicy = policyName
    guard !members.isEmpty else {
      logger.warning(
        """
        System channel consortium \(request.consortium) has no members, attempting to create \
        application channel \(request.channelID) with \(request.application.groups.count) members
        """)
      return group
    }
    guard !request.application.groups.isEmpty else {
      throw .badRequest(
        "the proposed channel has no application group members, but consortium "
          + "\(request.consortium) has members")
    }
    for name in request.application.groups.keys.sorted() {
      guard let member = members[name] else {
        throw .badRequest(
          "attempted to include member \(Quoting.name(name)) which is not in consortium \(request.consortium)"
        )
      }
      group.groups[name] = member
    }
    return group
  }

  private func consortiumValue(_ name: String) throws(ProcessingError) -> Common_ConfigValue {
    var consortium = Common_Consortium()
    consortium.name = name
    var value = Common_ConfigValue()
    do {
      value.value = try consortium.serializedData()
    } catch {
      throw .badRequest("the consortium name cannot be serialized: \(error)")
    }
    value.modPolicy = Self.admins
    return value
  }

  /// Sets all versions of a group to 0. The depth is bounded, since the group was decoded before.
  private static func resetVersions(_ group: inout Common_ConfigGroup) {
    group.version = 0
    for name in group.values.keys { group.values[name]?.version = 0 }
    for name in group.policies.keys { group.policies[name]?.version = 0 }
    for name in group.groups.keys {
      guard var child = group.groups[name] else { continue }
      resetVersions(&child)
      group.groups[name] = child
    }
  }
}
