// The settings of ledgers, Kafka, consensus plug-ins and the HTTP services, in Fabric's order.

extension SettingTable {
  static let ledgers: [Setting] = [
    Setting("FileLedger.Location", \.fileLedger.location, .path),
    Setting("FileLedger.Prefix", \.fileLedger.prefix),
    Setting("RAMLedger.HistorySize", \.ramLedger.historySize),
  ]

  static let kafka: [Setting] =
    [
      Setting("Kafka.Retry.ShortInterval", \.kafka.retry.shortInterval),
      Setting("Kafka.Retry.ShortTotal", \.kafka.retry.shortTotal),
      Setting("Kafka.Retry.LongInterval", \.kafka.retry.longInterval),
      Setting("Kafka.Retry.LongTotal", \.kafka.retry.longTotal),
      Setting(
        "Kafka.Retry.NetworkTimeouts.DialTimeout", \.kafka.retry.networkTimeouts.dialTimeout),
      Setting(
        "Kafka.Retry.NetworkTimeouts.ReadTimeout", \.kafka.retry.networkTimeouts.readTimeout),
      Setting(
        "Kafka.Retry.NetworkTimeouts.WriteTimeout", \.kafka.retry.networkTimeouts.writeTimeout),
      Setting("Kafka.Retry.Metadata.RetryMax", \.kafka.retry.metadata.retryMax),
      Setting("Kafka.Retry.Metadata.RetryBackoff", \.kafka.retry.metadata.retryBackoff),
      Setting("Kafka.Retry.Producer.RetryMax", \.kafka.retry.producer.retryMax),
      Setting("Kafka.Retry.Producer.RetryBackoff", \.kafka.retry.producer.retryBackoff),
      Setting("Kafka.Retry.Consumer.RetryBackoff", \.kafka.retry.consumerRetryBackoff),
      Setting("Kafka.Verbose", \.kafka.verbose),
      Setting("Kafka.Version", \.kafka.version),
    ]
    + tls("Kafka.TLS", \.kafka.tls, keys: [.pem, .secret], certificates: .pem)
    + [
      Setting("Kafka.SASLPlain.Enabled", \.kafka.saslPlain.enabled),
      Setting("Kafka.SASLPlain.Mechanism", \.kafka.saslPlain.mechanism),
      Setting("Kafka.SASLPlain.User", \.kafka.saslPlain.user),
      Setting("Kafka.SASLPlain.Password", \.kafka.saslPlain.password, .secret),
      Setting("Kafka.Topic.ReplicationFactor", \.kafka.topic.replicationFactor),
    ]

  static let services: [Setting] =
    [
      Setting("Debug.BroadcastTraceDir", \.debug.broadcastTraceDir),
      Setting("Debug.DeliverTraceDir", \.debug.deliverTraceDir),
      Setting("Consensus.WALDir", \.consensus.walDir),
      Setting("Consensus.SnapDir", \.consensus.snapDir),
      Setting("Consensus.EvictionSuspicion", \.consensus.evictionSuspicion),
      Setting("Consensus.TickIntervalOverride", \.consensus.tickIntervalOverride),
      Setting("Operations.ListenAddress", \.operations.listenAddress),
    ]
    + tls("Operations.TLS", \.operations.tls)
    + [
      Setting("Metrics.Provider", \.metrics.provider),
      Setting("Metrics.Statsd.Network", \.metrics.statsd.network),
      Setting("Metrics.Statsd.Address", \.metrics.statsd.address),
      Setting("Metrics.Statsd.WriteInterval", \.metrics.statsd.writeInterval),
      Setting("Metrics.Statsd.Prefix", \.metrics.statsd.prefix),
      Setting("ChannelParticipation.Enabled", \.channelParticipation.enabled),
      Setting(
        "ChannelParticipation.MaxRequestBodySize", \.channelParticipation.maxRequestBodySize,
        .byteSize),
      Setting("Admin.ListenAddress", \.admin.listenAddress),
    ]
    + tls("Admin.TLS", \.admin.tls)
}
