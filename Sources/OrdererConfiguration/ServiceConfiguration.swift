// The settings of ledgers, tracing, consensus plug-ins and the HTTP services.

extension OrdererConfiguration {
  /// Block files.
  public struct FileLedger: Sendable, Equatable {
    public var location = "/var/hyperledger/production/orderer"
    /// Fabric 1.x: the beginning of the name of a temporary folder. Without effect here.
    public var prefix = "hyperledger-fabric-ordererledger"
  }

  /// Blocks in memory.
  public struct RAMLedger: Sendable, Equatable {
    /// How many blocks are kept.
    public var historySize = 10000
  }

  /// Tracing of requests into files; an empty folder is off.
  public struct Debug: Sendable, Equatable {
    public var broadcastTraceDir = ""
    public var deliverTraceDir = ""
  }

  /// Raft's and BFT's own settings, and whatever else stands in the section `Consensus`.
  public struct Consensus: Sendable, Equatable {
    /// Write-ahead logs. Default: `etcdraft/wal` in the ledger's folder.
    public var walDir = ""
    /// Snapshots. Default: `etcdraft/snapshot` in the ledger's folder.
    public var snapDir = ""
    /// After how long without a leader a node asks whether it was evicted; nil is the default.
    public var evictionSuspicion: Duration?
    /// A tick interval instead of the channel's.
    public var tickIntervalOverride: Duration?
    /// Settings that no consensus of ours knows, by dotted key below `Consensus`, as text.
    public var other: [String: String] = [:]
  }

  /// The operations service: metrics, health, log spec.
  public struct Operations: Sendable, Equatable {
    /// Host and port; port 0 is any free one.
    public var listenAddress = "127.0.0.1:0"
    public var tls = TLS()
  }

  /// Where metrics go.
  public struct Metrics: Sendable, Equatable {
    /// The kinds of metrics.
    public enum Provider: String, Sendable, CaseIterable {
      case disabled, prometheus, statsd
    }

    public var provider = Provider.disabled
    public var statsd = Statsd()
  }

  /// Pushing metrics to statsd.
  public struct Statsd: Sendable, Equatable {
    /// `tcp` or `udp`.
    public var network = "udp"
    public var address = "127.0.0.1:8125"
    public var writeInterval = Duration.seconds(30)
    public var prefix = ""
  }

  /// The service with the channel participation API.
  public struct Admin: Sendable, Equatable {
    /// Host and port; port 0 is any free one.
    public var listenAddress = "127.0.0.1:0"
    public var tls = TLS()
  }

  /// Joining and leaving channels over HTTP.
  public struct ChannelParticipation: Sendable, Equatable {
    public var enabled = false
    /// Bytes.
    public var maxRequestBodySize: UInt32 = 1024 * 1024
  }
}
