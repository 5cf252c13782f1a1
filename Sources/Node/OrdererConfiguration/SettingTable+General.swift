// The settings below `General`, in Fabric's order.

extension SettingTable {
  static let general: [Setting] =
    [
      Setting("General.LedgerType", \.general.ledgerType),
      Setting("General.ListenAddress", \.general.listenAddress),
      Setting("General.ListenPort", \.general.listenPort),
    ]
    + tls("General.TLS", \.general.tls, keys: .path, certificates: .path)
    + cluster
    + [
      Setting("General.Keepalive.ServerMinInterval", \.general.keepalive.serverMinInterval),
      Setting("General.Keepalive.ServerInterval", \.general.keepalive.serverInterval),
      Setting("General.Keepalive.ServerTimeout", \.general.keepalive.serverTimeout),
      Setting("General.Backoff.BaseDelay", \.general.backoff.baseDelay),
      Setting("General.Backoff.Multiplier", \.general.backoff.multiplier),
      Setting("General.Backoff.MaxDelay", \.general.backoff.maxDelay),
      Setting("General.ConnectionTimeout", \.general.connectionTimeout),
      Setting("General.GenesisMethod", \.general.genesisMethod),
      Setting("General.GenesisProfile", \.general.genesisProfile),
      Setting("General.SystemChannel", \.general.systemChannel),
      Setting("General.GenesisFile", \.general.genesisFile),
      Setting("General.BootstrapMethod", \.general.bootstrapMethod),
      Setting("General.BootstrapFile", \.general.bootstrapFile, .path),
      Setting("General.LogLevel", \.general.logLevel),
      Setting("General.LogFormat", \.general.logFormat),
      Setting("General.Profile.Enabled", \.general.profile.enabled),
      Setting("General.Profile.Address", \.general.profile.address),
      Setting("General.LocalMSPDir", \.general.localMSPDir, .path),
      Setting("General.LocalMSPID", \.general.localMSPID),
      Setting("General.Authentication.TimeWindow", \.general.authentication.timeWindow),
      Setting(
        "General.Authentication.NoExpirationChecks", \.general.authentication.noExpirationChecks),
      Setting("General.MaxRecvMsgSize", \.general.maxRecvMsgSize, .byteSize),
      Setting("General.MaxSendMsgSize", \.general.maxSendMsgSize, .byteSize),
      Setting("General.Throttling.Rate", \.general.throttling.rate),
      Setting("General.Throttling.InactivityTimeout", \.general.throttling.inactivityTimeout),
      Setting("General.VerificationTables.Enabled", \.general.verificationTables.enabled),
      Setting("General.VerificationTables.Keys", \.general.verificationTables.keys),
    ]

  private static let cluster: [Setting] = [
    Setting("General.Cluster.ListenAddress", \.general.cluster.listenAddress),
    Setting("General.Cluster.ListenPort", \.general.cluster.listenPort),
    Setting("General.Cluster.ServerCertificate", \.general.cluster.serverCertificate),
    Setting("General.Cluster.ServerPrivateKey", \.general.cluster.serverPrivateKey),
    Setting("General.Cluster.ClientCertificate", \.general.cluster.clientCertificate, .path),
    Setting("General.Cluster.ClientPrivateKey", \.general.cluster.clientPrivateKey, .path),
    Setting("General.Cluster.RootCAs", \.general.cluster.rootCAs, .path),
    Setting("General.Cluster.DialTimeout", \.general.cluster.dialTimeout),
    Setting("General.Cluster.RPCTimeout", \.general.cluster.rpcTimeout),
    Setting(
      "General.Cluster.ReplicationBufferSize", \.general.cluster.replicationBufferSize, .byteSize),
    Setting("General.Cluster.ReplicationPullTimeout", \.general.cluster.replicationPullTimeout),
    Setting("General.Cluster.ReplicationRetryTimeout", \.general.cluster.replicationRetryTimeout),
    Setting(
      "General.Cluster.ReplicationBackgroundRefreshInterval",
      \.general.cluster.replicationBackgroundRefreshInterval),
    Setting("General.Cluster.ReplicationMaxRetries", \.general.cluster.replicationMaxRetries),
    Setting("General.Cluster.ReplicationPolicy", \.general.cluster.replicationPolicy),
    Setting("General.Cluster.SendBufferSize", \.general.cluster.sendBufferSize),
    Setting(
      "General.Cluster.CertExpirationWarningThreshold",
      \.general.cluster.certExpirationWarningThreshold),
    Setting(
      "General.Cluster.TLSHandshakeTimeShift", \.general.cluster.tlsHandshakeTimeShift, .negative),
  ]

  static let bccsp: [Setting] = [
    Setting("General.BCCSP.Default", \.general.bccsp.provider),
    Setting("General.BCCSP.SW.Hash", \.general.bccsp.software.hash),
    Setting("General.BCCSP.SW.Security", \.general.bccsp.software.security),
    Setting("General.BCCSP.SW.FileKeyStore.KeyStore", \.general.bccsp.software.keyStore),
    Setting("General.BCCSP.PKCS11.Library", \.general.bccsp.pkcs11.library),
    Setting("General.BCCSP.PKCS11.Label", \.general.bccsp.pkcs11.label),
    Setting("General.BCCSP.PKCS11.Pin", \.general.bccsp.pkcs11.pin, .secret),
    Setting("General.BCCSP.PKCS11.Hash", \.general.bccsp.pkcs11.hash),
    Setting("General.BCCSP.PKCS11.Security", \.general.bccsp.pkcs11.security),
    Setting("General.BCCSP.PKCS11.SoftwareVerify", \.general.bccsp.pkcs11.softwareVerify),
    Setting("General.BCCSP.PKCS11.Immutable", \.general.bccsp.pkcs11.immutable),
    Setting("General.BCCSP.PKCS11.AltID", \.general.bccsp.pkcs11.altID),
    Setting("General.BCCSP.PKCS11.KeyIDs", \.general.bccsp.pkcs11.keyIDs),
  ]
}
