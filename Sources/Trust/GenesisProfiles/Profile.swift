// A profile of a configtx.yaml as typed values with all defaults applied: what a channel is made of.

import ChannelConfig
import FabricProtos
import GoText

/// One profile of a configtx.yaml, validated as far as the file alone allows.
///
/// Paths within it are resolved; the files they name are read only when a configuration is made.
/// Source of names and defaults: Fabric's `genesisconfig` (2.x, 3.x) and `localconfig` (1.4).
package struct Profile: Sendable {
  /// The profile's name.
  package let name: String
  /// The file it comes from, for messages.
  package let file: String
  /// The generation of Fabric's tools whose rules it is read by.
  package let dialect: ConfigtxDialect
  /// Remarks on the file that are not errors, each a full sentence with its place.
  package internal(set) var warnings: [String]

  /// The consortium a new channel is created from; nil in genesis profiles.
  package let consortium: String?
  /// The application side; nil if the profile has no such section.
  package let application: Application?
  /// The ordering service; nil if the profile has no such section.
  package let orderer: Orderer?
  /// Consortiums in file order; nil if the profile has no such section, which tells an application
  /// channel from a system channel.
  package let consortiums: [Consortium]?
  /// Channel capabilities, by name; true if required.
  package let capabilities: [String: Bool]
  /// Channel policies.
  package let policies: [PolicyRule]

  /// A named policy in the notation of configtx.yaml.
  package struct PolicyRule: Sendable {
    /// E.g. `Writers`.
    package let name: String
    /// `Signature` or `ImplicitMeta`.
    package let type: String
    /// E.g. `OR('Org1MSP.member')` or `ANY Writers`.
    package let rule: String
    /// Where it stands, for messages.
    let place: Place
  }

  /// A place in the file.
  struct Place: Sendable {
    /// Dotted path below the profile.
    let key: String
    let line: Int?
  }

  /// Organizations that may create channels with each other.
  package struct Consortium: Sendable {
    /// E.g. `SampleConsortium`.
    package let name: String
    /// Its members.
    package let organizations: [Organization]
    let place: Place
  }

  /// An organization with its MSP.
  package struct Organization: Sendable {
    /// Name of its configuration group.
    package let name: String
    /// Its MSP ID.
    package let id: String
    /// Folder of its MSP definition, resolved against the folder of the file.
    package let mspDirectory: String
    /// `bccsp` for certificates, the only kind that is supported, or `idemix`.
    package let mspType: String
    /// Its policies; if empty, 1.4's defaults apply or 2.x refuses it.
    package let policies: [PolicyRule]
    /// Used in application groups only.
    package let anchorPeers: [AnchorPeer]
    /// host:port of its orderers.
    package let ordererEndpoints: [String]
    /// Whether every member counts as admin in default policies (1.4's deprecated
    /// `AdminPrincipal`, any value but `Role.ADMIN`).
    package let membersAreAdmins: Bool
    /// Whether its definition is unknown here and must be left out.
    package let skipAsForeign: Bool
    let place: Place
  }

  /// A peer that other organizations may contact.
  package struct AnchorPeer: Sendable, Equatable {
    /// Host name or IP address.
    package let host: String
    /// 1 to 65535.
    package let port: Int32
  }

  /// The application side of a channel.
  package struct Application: Sendable {
    /// The channel's members.
    package let organizations: [Organization]
    /// Application capabilities, by name; true if required.
    package let capabilities: [String: Bool]
    /// Policies of the application group.
    package let policies: [PolicyRule]
    /// Policy paths by resource name.
    package let acls: [String: String]
    let place: Place
  }

  /// The ordering service of a channel.
  package struct Orderer: Sendable {
    /// The consenter.
    package let type: OrdererType
    /// Channel-wide orderer addresses, host:port.
    package let addresses: [String]
    /// How long a message waits for its block to fill.
    package let batchTimeout: GoDuration
    /// When a block is full.
    package let batchSize: BatchSize
    /// Organizations that run orderers.
    package let organizations: [Organization]
    /// How many channels a system channel may create; 0 for no limit.
    package let maxChannels: UInt64
    /// Orderer capabilities, by name; true if required.
    package let capabilities: [String: Bool]
    /// Policies of the orderer group.
    package let policies: [PolicyRule]
    let place: Place
  }

  /// When a block is full.
  package struct BatchSize: Sendable, Equatable {
    /// Messages at which a block is full.
    package let maxMessageCount: UInt32
    /// Bytes no block may exceed.
    package let absoluteMaxBytes: UInt32
    /// Bytes a block should not exceed.
    package let preferredMaxBytes: UInt32
  }

  /// The consenter and what it needs.
  package enum OrdererType: Sendable {
    /// One node on its own.
    case solo
    /// Brokers, host:port.
    case kafka(brokers: [String])
    /// A Raft cluster.
    case etcdraft(consenters: [RaftConsenter], options: Etcdraft_Options)
    /// A cluster that tolerates Byzantine faults.
    case bft(consenters: [BFTConsenter], options: Orderer_Smartbft_Options)

    /// The value of `OrdererType` in files and configurations.
    package var name: String {
      switch self {
      case .solo: "solo"
      case .kafka: "kafka"
      case .etcdraft: "etcdraft"
      case .bft: "BFT"
      }
    }
  }

  /// A node of an etcdraft cluster; certificates are paths of PEM files.
  package struct RaftConsenter: Sendable {
    /// Host name or IP address.
    package let host: String
    /// 1 to 65535.
    package let port: UInt32
    /// The certificate it shows as a client of other nodes.
    package let clientTLSCertificate: String
    /// The certificate it shows as a server.
    package let serverTLSCertificate: String
    let place: Place
  }

  /// A node of a BFT cluster; certificates are paths of PEM files.
  package struct BFTConsenter: Sendable {
    /// Its number in the cluster.
    package let id: UInt32
    /// Host name or IP address.
    package let host: String
    /// 1 to 65535.
    package let port: UInt32
    /// The MSP of its signing certificate.
    package let mspID: String
    /// Its signing certificate.
    package let identity: String
    /// The certificate it shows as a client of other nodes.
    package let clientTLSCertificate: String
    /// The certificate it shows as a server.
    package let serverTLSCertificate: String
    let place: Place
  }

  /// An error about a place in this profile.
  func error(
    _ kind: GenesisError.Kind, at place: Place? = nil, value: String? = nil, _ explanation: String
  ) -> GenesisError {
    GenesisError(
      kind, file: file, profile: name, key: place.flatMap { $0.key.isEmpty ? nil : $0.key },
      value: value, line: place?.line, explanation)
  }
}
