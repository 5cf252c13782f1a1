// The generations of Fabric's configtxgen differ in defaults and in what they insist on; this names
// them and tells which one a profile was written for.

/// The generation of Fabric's tools whose rules a profile is read by.
///
/// The generations produce different blocks from the same text:
///
/// | | ``fabric1`` (1.4) | ``fabric2`` (2.x) | ``fabric3`` (3.x) |
/// |---|---|---|---|
/// | group without policies | gets default policies | refused | refused |
/// | `Orderer.Addresses` absent or empty | `127.0.0.1:7050` | none | none, and refused if given with V3_0 |
/// | `SnapshotIntervalSize` absent | 20 MB | 16 MB | 16 MB |
/// | orderer types | solo, kafka, etcdraft | solo, kafka, etcdraft | solo, etcdraft, BFT |
/// | SIGNATURES metadata of block 0 | empty | holds the last config index | as 2.x |
package enum ConfigtxDialect: String, Sendable, CaseIterable {
  /// As configtxgen 1.4.
  case fabric1
  /// As configtxgen 2.x.
  case fabric2
  /// As configtxgen 3.x.
  case fabric3

  /// The dialect that fits the channel capabilities of a profile: with a capability of 3.x or 2.x
  /// that generation's, and 1.4's otherwise, since it accepts what the others refuse.
  static func fitting(channelCapabilities: [String: Bool]) -> ConfigtxDialect {
    let required = channelCapabilities.filter(\.value).keys
    if required.contains(where: { $0.hasPrefix("V3_") }) { return .fabric3 }
    if required.contains(where: { $0.hasPrefix("V2_") }) { return .fabric2 }
    return .fabric1
  }

  /// The values of `Orderer.OrdererType` of this generation.
  var ordererTypes: [String] {
    switch self {
    case .fabric1, .fabric2: ["solo", "kafka", "etcdraft"]
    case .fabric3: ["solo", "etcdraft", "BFT"]
    }
  }
}
