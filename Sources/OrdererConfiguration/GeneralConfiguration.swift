// The settings below `General`.

extension OrdererConfiguration {
  /// Settings that do not depend on the kind of consensus.
  public struct General: Sendable, Equatable {
    public var ledgerType = LedgerType.file
    /// The address to serve clients on; the port is separate.
    public var listenAddress = "127.0.0.1"
    public var listenPort: UInt16 = 7050
    public var tls = TLS()
    public var cluster = Cluster()
    public var keepalive = Keepalive()
    public var backoff = Backoff()
    /// How long a client may take to set up a connection, TLS included.
    public var connectionTimeout = Duration.seconds(5)
    /// The method in force, whichever generation's key named it.
    public var bootstrapMethod = BootstrapMethod.file
    /// The file in force for the method `file`, whichever generation's key named it.
    public var bootstrapFile = "genesisblock"
    /// `GenesisMethod` as Fabric 1.x calls it; `bootstrapMethod` says what is in force.
    public var genesisMethod = ""
    /// `GenesisFile` as Fabric 1.x calls it; `bootstrapFile` says what is in force.
    public var genesisFile = ""
    /// The configtx.yaml profile for the method `provisional`.
    public var genesisProfile = "SampleSingleMSPSolo"
    /// The system channel's name for the method `provisional`.
    public var systemChannel = "test-system-channel-name"
    /// Fabric 1.1 to 1.3: the logging spec, in force unless the environment has one. Empty is unset.
    public var logLevel = ""
    /// Fabric 1.1 to 1.3: the log format, in force unless the environment has one. Empty is unset.
    public var logFormat = ""
    public var profile = Profile()
    /// The folder with the node's certificates and key.
    public var localMSPDir = "msp"
    /// The id of the organization that the node's identity belongs to.
    public var localMSPID = "SampleOrg"
    public var bccsp = BCCSP()
    public var authentication = Authentication()
    /// Bytes; larger messages end their stream.
    public var maxRecvMsgSize: Int32 = 100 * 1024 * 1024
    /// Bytes.
    public var maxSendMsgSize: Int32 = 100 * 1024 * 1024
    public var throttling = Throttling()
  }

  /// TLS of one listener.
  public struct TLS: Sendable, Equatable {
    public var enabled = false
    /// A path; below `Kafka.TLS` the PEM text itself.
    public var privateKey = ""
    /// A path; below `Kafka.TLS` the PEM text itself.
    public var certificate = ""
    /// Paths; below `Kafka.TLS` PEM texts.
    public var rootCAs: [String] = []
    public var clientAuthRequired = false
    /// Paths; below `Kafka.TLS` PEM texts.
    public var clientRootCAs: [String] = []
    /// How far back in time certificates are looked at, for clusters with expired ones. May be
    /// negative.
    public var tlsHandshakeTimeShift = Duration.zero
  }

  /// How ordering nodes talk to each other.
  public struct Cluster: Sendable, Equatable {
    /// The four settings of a listener of its own for the cluster; all are set, or none.
    public var listenAddress = ""
    public var listenPort: UInt16 = 0
    public var serverCertificate = ""
    public var serverPrivateKey = ""
    /// Empty: the server's pair is used towards other nodes, too.
    public var clientCertificate = ""
    public var clientPrivateKey = ""
    /// Paths.
    public var rootCAs: [String] = []
    public var dialTimeout = Duration.seconds(5)
    public var rpcTimeout = Duration.seconds(7)
    /// Bytes.
    public var replicationBufferSize = 20 * 1024 * 1024
    public var replicationPullTimeout = Duration.seconds(5)
    public var replicationRetryTimeout = Duration.seconds(5)
    public var replicationBackgroundRefreshInterval = Duration.seconds(300)
    public var replicationMaxRetries = 12
    public var replicationPolicy = ReplicationPolicy.consensus
    /// Messages to one other node that may wait.
    public var sendBufferSize = 100
    public var certExpirationWarningThreshold = Duration.seconds(7 * 24 * 3600)
    /// May be negative.
    public var tlsHandshakeTimeShift = Duration.zero

    /// Whether the cluster has a listener of its own. False also if only some of its four settings
    /// are set; loading warns about that, and a cluster node refuses to start (Fabric does).
    public var hasOwnListener: Bool { listenerSettings.allSatisfy(\.isSet) }

    /// The four settings of the listener and whether each is set.
    public var listenerSettings: [(key: String, isSet: Bool)] {
      [
        ("General.Cluster.ListenPort", listenPort != 0),
        ("General.Cluster.ListenAddress", !listenAddress.isEmpty),
        ("General.Cluster.ServerCertificate", !serverCertificate.isEmpty),
        ("General.Cluster.ServerPrivateKey", !serverPrivateKey.isEmpty),
      ]
    }
  }

  /// gRPC keepalive of the server.
  public struct Keepalive: Sendable, Equatable {
    /// Clients that ping more often are disconnected.
    public var serverMinInterval = Duration.seconds(60)
    public var serverInterval = Duration.seconds(7200)
    public var serverTimeout = Duration.seconds(20)
  }

  /// Waiting between connection attempts of gRPC clients (Fabric 3.x).
  public struct Backoff: Sendable, Equatable {
    public var baseDelay = Duration.seconds(1)
    public var multiplier = 1.6
    public var maxDelay = Duration.seconds(120)
  }

  /// The profiling service.
  public struct Profile: Sendable, Equatable {
    public var enabled = false
    public var address = "0.0.0.0:6060"
  }

  /// The checks of client messages.
  public struct Authentication: Sendable, Equatable {
    /// The largest difference between a client's clock and ours.
    public var timeWindow = Duration.seconds(15 * 60)
    /// Accept clients with expired certificates.
    public var noExpirationChecks = false
  }

  /// A limit on transactions per second over all clients (Fabric 3.x).
  public struct Throttling: Sendable, Equatable {
    /// Transactions per second; 0 is no limit.
    public var rate = 0
    /// A client silent for this long no longer has a share of the rate.
    public var inactivityTimeout = Duration.seconds(5)
  }
}
