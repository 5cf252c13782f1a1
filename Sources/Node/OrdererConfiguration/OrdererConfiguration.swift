// The node's own configuration: orderer.yaml and the environment as one typed value.

/// Everything that can be configured about one ordering node (Fabric: orderer/common/localconfig).
///
/// The settings are those of Fabric 1.1 to 3.1 taken together, with both generations of names. A
/// value made by `init()` holds the defaults; `load` reads file and environment. Paths that Fabric
/// takes relative to the configuration folder are absolute here once loaded.
package struct OrdererConfiguration: Sendable, Equatable {
  package var general = General()
  package var fileLedger = FileLedger()
  package var ramLedger = RAMLedger()
  package var kafka = Kafka()
  package var debug = Debug()
  package var consensus = Consensus()
  package var operations = Operations()
  package var metrics = Metrics()
  package var admin = Admin()
  package var channelParticipation = ChannelParticipation()

  /// The defaults.
  package init() {}

  /// Which kind of block store keeps the channels.
  package enum LedgerType: String, Sendable, CaseIterable {
    /// Fabric's block files with an index.
    case file
    /// One JSON document per block (Fabric 1.x; for looking at, not for production).
    case json
    /// In memory, gone at exit (Fabric 1.x; for tests).
    case ram
  }

  /// Where the first block of the system channel comes from.
  package enum BootstrapMethod: String, Sendable, CaseIterable {
    /// From `General.BootstrapFile`.
    case file
    /// Generated from the profile `General.GenesisProfile` of configtx.yaml (Fabric 1.x).
    case provisional
    /// Nowhere: no system channel, channels are joined through the participation API.
    case none
  }

  /// How a node that joins late verifies the blocks it pulls (Fabric 3.x, BFT).
  package enum ReplicationPolicy: String, Sendable, CaseIterable {
    case simple
    case consensus
  }
}
