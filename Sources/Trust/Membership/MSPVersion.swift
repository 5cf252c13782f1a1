// The generations of MSP rules; a channel's capabilities choose one.

// The names are the versions' own.
// swift-format-ignore: AlwaysUseLowerCamelCase
/// Which rules an MSP follows. Fabric: `msp/factory.go`, chosen by `common/capabilities/channel.go`.
package enum MSPVersion: Int, Sendable, Comparable, CustomStringConvertible {
  /// No node organizational units. Channels without capabilities.
  case v1_0
  /// Clients and peers told apart by organizational unit. Capability `V1_1`.
  case v1_1
  /// Combined and anonymity principals. Capabilities `V1_3` and `V1_4_2`.
  case v1_3
  /// Admins and orderers by organizational unit, every unit optional. Capabilities `V1_4_3` and `V2_0`.
  case v1_4_3
  /// Ed25519 identities. Capability `V3_0`.
  case v3_0

  /// Older versions come first.
  package static func < (left: MSPVersion, right: MSPVersion) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The version as Fabric writes it, such as `v1.4.3`.
  package var description: String {
    switch self {
    case .v1_0: "v1.0"
    case .v1_1: "v1.1"
    case .v1_3: "v1.3"
    case .v1_4_3: "v1.4.3"
    case .v3_0: "v3.0"
    }
  }
}
