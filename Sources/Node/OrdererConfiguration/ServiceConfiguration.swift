// The settings of ledgers, tracing, consensus plug-ins and the HTTP services.

extension OrdererConfiguration {
  /// Block files.
  package struct FileLedger: Sendable, Equatable {
    package var location = "/var/hyperledger/production/orderer"
    /// Fabric 1.x: the beginning of the name of a temporary folder. Without effect here.
    package var prefix = "hyperledger-fabric-ordererledger"
  }

  /// Blocks in memory.
  package struct RAMLedger: Sendable, Equatable {
    /// How many blocks are kept.
    package var historySize = 10000
  }

  /// Tracing of requests into files; an empty folder is off.
  package struct Debug: Sendable, Equatable {
    package var broadcastTraceDir = ""
    package var deliverTraceDir = ""
  }

  /// Raft's and BFT's own settings, and whatever else stands in the section `Consensus`.
  package struct Consensus: Sendable, Equatable {
    /// Write-ahead logs. Default: `etcdraft/wal` in the ledger's folder.
    package var walDir = ""
    /// Snapshots. Default: `etcdraft/snapshot` in the ledger's folder.
    package var snapDir = ""
    /// After how long without a leader a node asks whether it was evicted; nil is the default.
    package var evictionSuspicion: Duration?
    /// A tick interval instead of the channel's.
    package var tickIntervalOverride: Duration?
    /// Settings that no consensus of ours knows, by dotted key below `Consensus`, as text.
    package var other: [String: String] = [:]
  }

  /// The operations service: metrics, health, log spec.
  package struct Operations: Sendable, Equatable {
    /// Host and port; port 0 is any free one.
    package var listenAddress = "127.0.0.1:0"
    package var tls = TLS()
  }

  /// Where metrics go.
  package struct Metrics: Sendable, Equatable {
    /// The kinds of metrics.
    package enum Provider: String, Sendable, CaseIterable {
      case disabled, prometheus, statsd
    }

    package var provider = Provider.disabled
    package var statsd = Statsd()
  }

  /// Pushing metrics to statsd.
  package struct Statsd: Sendable, Equatable {
    /// `tcp` or `udp`.
    package var network = "udp"
    package var address = "127.0.0.1:8125"
    package var writeInterval = Duration.seconds(30)
    package var prefix = ""
  }

  /// The service with the channel participation API.
  package struct Admin: Sendable, Equatable {
    /// Host and port; port 0 is any free one.
    package var listenAddress = "127.0.0.1:0"
    package var tls = TLS()
  }

  /// Joining and leaving channels over HTTP.
  package struct ChannelParticipation: Sendable, Equatable {
    package var enabled = false
    /// Bytes.
    package var maxRequestBodySize: UInt32 = 1024 * 1024
  }
}
