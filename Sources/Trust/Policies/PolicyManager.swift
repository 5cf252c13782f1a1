// The policies of a channel, arranged as the config groups that define them.

import FabricProtos
import Foundation
import Membership
import SwiftProtobuf

/// The policies of one config group and of the groups below it. Fabric: `policies.ManagerImpl`.
package final class PolicyManager: Sendable {
  /// How deep config groups may nest.
  package static let maximumDepth = 100

  /// Where the group is, such as "/Channel/Application".
  package let path: String

  private let policies: [String: CompiledPolicy]
  private let managers: [String: PolicyManager]

  /// Builds the policies of `group` and of all groups below it.
  ///
  /// - Parameters:
  ///   - rootName: the name of the group, "Channel" for a channel config.
  ///   - mspManager: resolves the identities of signers.
  /// - Throws: ``PolicyError`` naming the policy that is missing its definition, has an unknown type
  ///   or does not compile; or if groups nest deeper than ``maximumDepth``.
  package convenience init(
    rootName: String, group: Common_ConfigGroup, mspManager: MSPManager
  ) throws(PolicyError) {
    try self.init(path: "/" + rootName, group: group, mspManager: mspManager, depth: 0)
  }

  private init(
    path: String, group: Common_ConfigGroup, mspManager: MSPManager, depth: Int
  ) throws(PolicyError) {
    guard depth < Self.maximumDepth else {
      throw PolicyError(
        .malformed, "the config groups nest deeper than \(Self.maximumDepth) levels")
    }
    self.path = path

    var managers: [String: PolicyManager] = [:]
    for (name, child) in group.groups.sorted(by: { $0.key < $1.key }) {
      managers[name] = try PolicyManager(
        path: path + "/" + name, group: child, mspManager: mspManager, depth: depth + 1)
    }
    self.managers = managers

    var policies: [String: CompiledPolicy] = [:]
    for (name, policy) in group.policies.sorted(by: { $0.key < $1.key }) {
      guard policy.hasPolicy else {
        throw PolicyError(.malformed, "policy \(name) at path \(path) was nil")
      }
      policies[name] = try Self.compile(
        policy.policy, name: name, path: path, managers: managers, mspManager: mspManager)
    }
    self.policies = policies
  }

  private static func compile(
    _ policy: Common_Policy, name: String, path: String, managers: [String: PolicyManager],
    mspManager: MSPManager
  ) throws(PolicyError) -> CompiledPolicy {
    switch Common_Policy.PolicyType(rawValue: Int(policy.type)) {
    case .signature:
      do {
        let envelope = try Self.decode(
          Common_SignaturePolicyEnvelope.self, policy.value, as: "SignaturePolicy")
        return try CompiledPolicy(signature: envelope, mspManager: mspManager)
      } catch {
        throw PolicyError(
          .malformed, "policy \(name) at path \(path) did not compile: \(error)")
      }
    case .implicitMeta:
      do {
        let definition = try Self.decode(
          Common_ImplicitMetaPolicy.self, policy.value, as: "ImplicitMetaPolicy")
        let subPolicies = managers.keys.sorted().map {
          managers[$0]?.compiledPolicy(definition.subPolicy)
        }
        return CompiledPolicy(
          implicitMeta: try ImplicitMetaProgram(definition, subPolicies: subPolicies),
          mspManager: mspManager)
      } catch {
        throw PolicyError(
          .malformed, "implicit policy \(name) at path \(path) did not compile: \(error)")
      }
    default:
      throw PolicyError(
        .malformed,
        "policy \(name) at path \(path) has unknown policy type: \(policy.type)")
    }
  }

  private static func decode<M: Message>(
    _ type: M.Type, _ bytes: Data, as name: String
  ) throws(PolicyError) -> M {
    do { return try M(serializedBytes: bytes) } catch {
      throw PolicyError(.malformed, "Error unmarshalling to \(name): \(error)")
    }
  }

  /// The policy of that name, or nil if there is none.
  ///
  /// - Parameter name: absolute and below this group ("/Channel/Readers"), or relative to this group
  ///   ("Readers", "Org1/Admins").
  package func policy(_ name: String) -> (any Policy)? { compiledPolicy(name) }

  private func compiledPolicy(_ name: String) -> CompiledPolicy? {
    var relative = Substring(name)
    if name.utf8.first == UInt8(ascii: "/") {
      guard name.hasPrefix(path + "/") else { return nil }
      relative = name.dropFirst(path.count + 1)
    }
    var manager = self
    while let slash = relative.firstIndex(of: PolicyPath.separator) {
      guard let next = manager.managers[String(relative[..<slash])] else { return nil }
      manager = next
      relative = relative[relative.index(after: slash)...]
    }
    return manager.policies[String(relative)]
  }

  /// The manager of the group at `path` relative to this group, or nil if there is none.
  package func manager(_ path: [String]) -> PolicyManager? {
    var manager = self
    for name in path {
      guard let next = manager.managers[name] else { return nil }
      manager = next
    }
    return manager
  }

  /// Evaluates the policy of that name; one that does not exist refuses everything.
  ///
  /// - Throws: ``PolicyError`` with the reason.
  package func evaluate(_ name: String, _ signatures: [SignedData]) throws(PolicyError) {
    guard let policy = compiledPolicy(name) else { throw PolicyError.noSuchPolicy(name) }
    try policy.evaluate(signatures)
  }
}
