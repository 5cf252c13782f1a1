// The capabilities of a channel: which behaviours all of its members agreed to understand.

import Membership

/// What the three levels of capabilities have in common. Fabric: common/capabilities.
package protocol CapabilitySet: Sendable {
  /// The level's name in messages.
  static var level: String { get }
  /// The capabilities of this level that this orderer has.
  static var supported: Set<String> { get }
  /// The names of the enabled capabilities.
  var names: Set<String> { get }
}

extension CapabilitySet {
  /// The enabled capabilities that this orderer does not have, sorted.
  package var unsupported: [String] { names.subtracting(Self.supported).sorted() }

  /// Checks that this orderer has every enabled capability.
  ///
  /// - Throws: ``ConfigError`` that names the level and the first capability it lacks.
  package func checkSupported() throws(ConfigError) {
    if let name = unsupported.first {
      throw ConfigError(
        .unsupportedCapability,
        "\(Self.level) capability \(name) is required but not supported")
    }
  }
}

/// The capabilities at /Channel, binding for orderers and peers.
package struct ChannelCapabilities: CapabilitySet, Equatable {
  package static let level = "Channel"
  package static let supported: Set<String> = [
    "V1_1", "V1_3", "V1_4_2", "V1_4_3", "V2_0", "V3_0",
  ]
  package let names: Set<String>
  /// Which rules MSPs follow.
  package let mspVersion: MSPVersion
  /// Whether the type of consensus may change.
  package let consensusTypeMigration: Bool
  /// Whether ordering organizations may list endpoints of their own.
  package let orgSpecificOrdererEndpoints: Bool
  /// Whether the channel may use BFT; it then must not have global orderer addresses.
  package let consensusTypeBFT: Bool

  /// The meaning of a set of names; unknown ones have none.
  package init(_ names: Set<String>) {
    self.names = names
    let v142OrLater = !names.isDisjoint(with: ["V1_4_2", "V1_4_3", "V2_0", "V3_0"])
    consensusTypeMigration = v142OrLater
    orgSpecificOrdererEndpoints = v142OrLater
    consensusTypeBFT = names.contains("V3_0")
    if consensusTypeBFT {
      mspVersion = .v3_0
    } else if !names.isDisjoint(with: ["V1_4_3", "V2_0"]) {
      mspVersion = .v1_4_3
    } else if names.contains("V1_3") || names.contains("V1_4_2") {
      mspVersion = .v1_3
    } else {
      mspVersion = names.contains("V1_1") ? .v1_1 : .v1_0
    }
  }
}

/// The capabilities at /Channel/Orderer, binding for orderers.
package struct OrdererCapabilities: CapabilitySet, Equatable {
  package static let level = "Orderer"
  package static let supported: Set<String> = ["V1_1", "V1_4_2", "V2_0"]
  package let names: Set<String>
  /// Whether the template of a new channel starts at version 0 with a mod policy, which v1.0 got
  /// wrong.
  package let predictableChannelTemplate: Bool
  /// Whether messages that were validated against an older config are ordered again.
  package let resubmission: Bool
  /// Whether messages of expired identities are refused.
  package let expirationCheck: Bool
  /// Whether the type of consensus may change.
  package let consensusTypeMigration: Bool
  /// Whether a new channel's template has the channel creation policy as its Admins policy.
  package let useChannelCreationPolicyAsAdmins: Bool

  /// The meaning of a set of names; unknown ones have none.
  package init(_ names: Set<String>) {
    self.names = names
    let v11OrLater = !names.isDisjoint(with: Self.supported)
    predictableChannelTemplate = v11OrLater
    resubmission = v11OrLater
    expirationCheck = v11OrLater
    consensusTypeMigration = names.contains("V1_4_2") || names.contains("V2_0")
    useChannelCreationPolicyAsAdmins = names.contains("V2_0")
  }
}

/// The capabilities at /Channel/Application, binding for peers. The orderer only reads from them
/// whether ACLs are allowed, and never refuses a channel for one it doesn't know.
package struct ApplicationCapabilities: CapabilitySet, Equatable {
  package static let level = "Application"
  package static let supported: Set<String> = [
    "V1_1", "V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5", "V1_1_PVTDATA_EXPERIMENTAL",
    "V1_1_RESOURCETREE_EXPERIMENTAL",
  ]
  package let names: Set<String>
  /// Whether the application group may hold ACLs.
  package let acls: Bool

  /// The meaning of a set of names; unknown ones have none.
  package init(_ names: Set<String>) {
    self.names = names
    acls = !names.isDisjoint(with: ["V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5"])
  }
}
