// The files that a node of a measurement is started with: the same for every orderer.

import Foundation

/// Which consenter orders.
package enum BenchmarkConsensus: String, Sendable, CaseIterable {
  case solo
  case etcdraft
  case kafka

  /// Whether channels come from a system channel; otherwise they are joined with the participation API.
  var hasSystemChannel: Bool { self != .etcdraft }
}

/// TLS between clients and node.
package enum BenchmarkTLS: Sendable {
  case none
  case server
  case mutual

  var isOn: Bool { self != .none }
}

/// How a node of a measurement is set up.
package struct NodeSettings: Sendable {
  package var consensus = BenchmarkConsensus.solo
  /// etcdraft always has TLS: Go's orderers demand it.
  package var tls = BenchmarkTLS.none
  /// Kafka's, `host:port`.
  package var brokers: [String] = []
  package var channels = 1
  /// Transactions of a block.
  package var maxMessageCount = 500
  package var batchTimeout = "2s"

  /// What tells the channels of this node from those of others on the same brokers, which keep what they had; empty
  /// where nothing is shared.
  var mark = ""

  package init() {}

  var systemChannel: String { "benchmark-system\(mark)" }

  /// The names of the channels.
  var channelNames: [String] { (1...channels).map { "benchmark-\($0)\(mark)" } }

  var usesTLS: Bool { tls.isOn || consensus == .etcdraft }

  /// A configtx.yaml with a profile `System` (solo, Kafka), `Channel` for channel creations, and `Genesis` for
  /// channels that are joined.
  func configtx(network: BenchmarkNetwork, port: Int) -> String {
    let organizations =
      organization("Orderer", BenchmarkNetwork.ordererMSP, network)
      + BenchmarkNetwork.applicationMSPs.enumerated().map {
        organization("Org\($0.offset + 1)", $0.element, network)
      }.joined()
    let members = (1...BenchmarkNetwork.applicationMSPs.count).map { "*Org\($0)" }
      .joined(separator: ", ")
    let orderer = indented(ordererSection(network, port))
    let application = indented(
      """
        Application:
          Organizations: [\(members)]
          Policies:
            <<: *Policies
            LifecycleEndorsement: {Type: ImplicitMeta, Rule: "MAJORITY Endorsement"}
            Endorsement: {Type: ImplicitMeta, Rule: "MAJORITY Endorsement"}
          Capabilities: {V2_0: true}
      """)
    let common = "    Policies: *Policies\n    Capabilities: {V2_0: true}\n"
    return """
      Organizations:
      \(organizations)
      Channel:
        Policies: &Policies
          Readers: {Type: ImplicitMeta, Rule: "ANY Readers"}
          Writers: {Type: ImplicitMeta, Rule: "ANY Writers"}
          Admins: {Type: ImplicitMeta, Rule: "MAJORITY Admins"}
      Profiles:
        System:
      \(common)    Orderer:
      \(orderer)
          Consortiums:
            Benchmark: {Organizations: [\(members)]}
        Channel:
      \(common)    Consortium: Benchmark
      \(application)
        Genesis:
      \(common)    Orderer:
      \(orderer)
      \(application)

      """
  }

  /// What a profile has below `Orderer`.
  private func ordererSection(_ network: BenchmarkNetwork, _ port: Int) -> String {
    let tls = "\(network.folder)/tls/server.pem"
    let consenter =
      switch consensus {
      case .solo: ""
      case .kafka: "    Kafka: {Brokers: [\(brokers.map(quoted).joined(separator: ", "))]}\n"
      case .etcdraft:
        """
            EtcdRaft:
              Consenters: [{Host: 127.0.0.1, Port: \(port), ClientTLSCert: \(quoted(tls)), \
        ServerTLSCert: \(quoted(tls))}]

        """
      }
    return """
          OrdererType: \(consensus.rawValue)
          Addresses: ["127.0.0.1:\(port)"]
          BatchTimeout: \(batchTimeout)
          BatchSize: {MaxMessageCount: \(maxMessageCount), PreferredMaxBytes: 2 MB, AbsoluteMaxBytes: 99 MB}
          Organizations: [*Orderer]
          Policies:
            <<: *Policies
            BlockValidation: {Type: ImplicitMeta, Rule: "ANY Writers"}
          Capabilities: {V2_0: true}
      \(consenter)
      """
  }

  private func organization(_ name: String, _ mspID: String, _ network: BenchmarkNetwork) -> String
  {
    """
      - &\(name)
        Name: \(name)
        ID: \(mspID)
        MSPDir: \(quoted(network.mspFolder(mspID)))
        Policies:
          Readers: {Type: Signature, Rule: "OR('\(mspID).member')"}
          Writers: {Type: Signature, Rule: "OR('\(mspID).member')"}
          Admins: {Type: Signature, Rule: "OR('\(mspID).admin')"}
          Endorsement: {Type: Signature, Rule: "OR('\(mspID).member')"}

    """
  }

  /// An orderer.yaml that ours and Go's orderers of 2.x understand.
  func ordererYAML(folder: String, network: BenchmarkNetwork, port: Int, adminPort: Int) -> String {
    let bootstrap =
      consensus.hasSystemChannel
      ? "  BootstrapMethod: file\n  BootstrapFile: \(quoted("\(folder)/genesis.block"))"
      : "  BootstrapMethod: none"
    let (certificate, key, roots) = (
      quoted("\(network.folder)/tls/server.pem"), quoted("\(network.folder)/tls/server.key"),
      quoted("\(network.folder)/tls/ca.pem")
    )
    return """
      General:
        ListenAddress: 127.0.0.1
        ListenPort: \(port)
        TLS:
          Enabled: \(usesTLS)
          PrivateKey: \(key)
          Certificate: \(certificate)
          RootCAs: [\(roots)]
          ClientAuthRequired: \(tls == .mutual)
          ClientRootCAs: [\(roots)]
        Cluster:
          SendBufferSize: 100
          ClientCertificate: \(certificate)
          ClientPrivateKey: \(key)
      \(bootstrap)
        LocalMSPDir: \(quoted(network.nodeMSP))
        LocalMSPID: \(BenchmarkNetwork.ordererMSP)
        BCCSP: {Default: SW, SW: {Hash: SHA2, Security: 256}}
        Authentication: {TimeWindow: 15m}
      FileLedger: {Location: \(quoted("\(folder)/ledger"))}
      Consensus:
        WALDir: \(quoted("\(folder)/ledger/etcdraft/wal"))
        SnapDir: \(quoted("\(folder)/ledger/etcdraft/snapshot"))
      Operations: {ListenAddress: "127.0.0.1:0"}
      Metrics: {Provider: disabled}
      Admin: {ListenAddress: "127.0.0.1:\(adminPort)"}
      ChannelParticipation: {Enabled: \(!consensus.hasSystemChannel), MaxRequestBodySize: 1 MB}
      Kafka:
        Version: 1.0.0
        Topic: {ReplicationFactor: \(min(max(brokers.count, 1), 3))}
        Retry:
          ShortInterval: 500ms
          ShortTotal: 10m
          LongInterval: 5m
          LongTotal: 12h
          NetworkTimeouts: {DialTimeout: 10s, ReadTimeout: 10s, WriteTimeout: 10s}
          Metadata: {RetryBackoff: 250ms, RetryMax: 3}
          Producer: {RetryBackoff: 100ms, RetryMax: 3}
          Consumer: {RetryBackoff: 2s}

      """
  }

  private func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  private func indented(_ text: String) -> String {
    text.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
  }
}
