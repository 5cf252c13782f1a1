// The settings below `General`.

extension OrdererConfiguration {
  /// Settings that do not depend on the kind of consensus.
  package struct General: Sendable, Equatable {
    package var ledgerType = LedgerType.file
    /// The address to serve clients on; the port is separate.
    package var listenAddress = "127.0.0.1"
    package var listenPort: UInt16 = 7050
    package var tls = TLS()
    package var cluster = Cluster()
    package var keepalive = Keepalive()
    package var backoff = Backoff()
    /// How long a client may take to set up a connection, TLS included.
    package var connectionTimeout = Duration.seconds(5)
    /// The method in force, whichever generation's key named it.
    package var bootstrapMethod = BootstrapMethod.file
    /// The file in force for the method `file`, whichever generation's key named it.
    package var bootstrapFile = "genesisblock"
    /// `GenesisMethod` as Fabric 1.x calls it; `bootstrapMethod` says what is in force.
    package var genesisMethod = ""
    /// `GenesisFile` as Fabric 1.x calls it; `bootstrapFile` says what is in force.
    package var genesisFile = ""
    /// The configtx.yaml profile for the method `provisional`.
    package var genesisProfile = "SampleSingleMSPSolo"
    /// The system channel's name for the method `provisional`.
    package var systemChannel = "test-system-channel-name"
    /// Fabric 1.1 to 1.3: the logging spec, in force unless the environment has one. Empty is unset.
    package var logLevel = ""
    /// Fabric 1.1 to 1.3: the log format, in force unless the environment has one. Empty is unset.
    package var logFormat = ""
    package var profile = Profile()
    /// The folder with the node's certificates and key.
    package var localMSPDir = "msp"
    /// The id of the organization that the node's identity belongs to.
    package var localMSPID = "SampleOrg"
    package var bccsp = BCCSP()
    package var authentication = Authentication()
    /// Bytes; larger messages end their stream.
    package var maxRecvMsgSize: Int32 = 100 * 1024 * 1024
    /// Bytes.
    package var maxSendMsgSize: Int32 = 100 * 1024 * 1024
    package var throttling = Throttling()
    package var verificationTables = VerificationTables()
  }

  /// TLS of one listener.
  package struct TLS: Sendable, Equatable {
    package var enabled = false
    /// A path; below `Kafka.TLS` the PEM text itself.
    package var privateKey = ""
    /// A path; below `Kafka.TLS` the PEM text itself.
    package var certificate = ""
    /// Paths; below `Kafka.TLS` PEM texts.
    package var rootCAs: [String] = []
    package var clientAuthRequired = false
    /// Paths; below `Kafka.TLS` PEM texts.
    package var clientRootCAs: [String] = []
    /// How far back in time certificates are looked at, for clusters with expired ones. May be
    /// negative.
    package var tlsHandshakeTimeShift = Duration.zero
  }

  /// How ordering nodes talk to each other.
  package struct Cluster: Sendable, Equatable {
    /// The four settings of a listener of its own for the cluster; all are set, or none.
    package var listenAddress = ""
    package var listenPort: UInt16 = 0
    package var serverCertificate = ""
    package var serverPrivateKey = ""
    /// Empty: the server's pair is used towards other nodes, too.
    package var clientCertificate = ""
    package var clientPrivateKey = ""
    /// Paths.
    package var rootCAs: [String] = []
    package var dialTimeout = Duration.seconds(5)
    package var rpcTimeout = Duration.seconds(7)
    /// Bytes.
    package var replicationBufferSize = 20 * 1024 * 1024
    package var replicationPullTimeout = Duration.seconds(5)
    package var replicationRetryTimeout = Duration.seconds(5)
    package var replicationBackgroundRefreshInterval = Duration.seconds(300)
    package var replicationMaxRetries = 12
    package var replicationPolicy = ReplicationPolicy.consensus
    /// Messages to one other node that may wait.
    package var sendBufferSize = 100
    package var certExpirationWarningThreshold = Duration.seconds(7 * 24 * 3600)
    /// May be negative.
    package var tlsHandshakeTimeShift = Duration.zero

    /// Whether the cluster has a listener of its own. False also if only some of its four settings
    /// are set; loading warns about that, and a cluster node refuses to start (Fabric does).
    package var hasOwnListener: Bool { listenerSettings.allSatisfy(\.isSet) }

    /// The four settings of the listener and whether each is set.
    package var listenerSettings: [(key: String, isSet: Bool)] {
      [
        ("General.Cluster.ListenPort", listenPort != 0),
        ("General.Cluster.ListenAddress", !listenAddress.isEmpty),
        ("General.Cluster.ServerCertificate", !serverCertificate.isEmpty),
        ("General.Cluster.ServerPrivateKey", !serverPrivateKey.isEmpty),
      ]
    }
  }

  /// gRPC keepalive of the server.
  package struct Keepalive: Sendable, Equatable {
    /// Clients that ping more often are disconnected.
    package var serverMinInterval = Duration.seconds(60)
    package var serverInterval = Duration.seconds(7200)
    package var serverTimeout = Duration.seconds(20)
  }

  /// Waiting between connection attempts of gRPC clients (Fabric 3.x).
  package struct Backoff: Sendable, Equatable {
    package var baseDelay = Duration.seconds(1)
    package var multiplier = 1.6
    package var maxDelay = Duration.seconds(120)
  }

  /// The profiling service.
  package struct Profile: Sendable, Equatable {
    package var enabled = false
    package var address = "0.0.0.0:6060"
  }

  /// The checks of client messages.
  package struct Authentication: Sendable, Equatable {
    /// The largest difference between a client's clock and ours.
    package var timeWindow = Duration.seconds(15 * 60)
    /// Accept clients with expired certificates.
    package var noExpirationChecks = false
  }

  /// Tables that make it faster to verify the signatures of the keys that sign most. Not a section of Fabric's.
  package struct VerificationTables: Sendable, Equatable {
    /// The most keys that can be asked for.
    package static let maximumKeys = 1024

    package var enabled = true
    /// How many keys may have a table at a time.
    package var keys = 64
  }

  /// A limit on transactions per second over all clients (Fabric 3.x).
  package struct Throttling: Sendable, Equatable {
    /// Transactions per second; 0 means no limit.
    package var rate = 0
    /// A client silent for this long no longer has a share of the rate.
    package var inactivityTimeout = Duration.seconds(5)
  }
}
