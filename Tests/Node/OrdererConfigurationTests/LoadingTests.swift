// Finding and reading orderer.yaml, defaults, both generations of settings.

import Foundation
import TestSupport
import Testing
import YAMLSettings

@testable import OrdererConfiguration

/// Reads a configuration text as if it were /cfg/orderer.yaml.
func parse(
  _ text: String, _ environment: [String: String] = [:]
) throws -> OrdererConfiguration {
  try OrdererConfiguration.parse(text, file: "/cfg/orderer.yaml", environment: environment)
    .configuration
}

/// The problems of a configuration text.
func issues(
  _ text: String, _ environment: [String: String] = [:]
) -> [ConfigurationIssue] {
  do {
    _ = try OrdererConfiguration.parse(text, file: "/cfg/orderer.yaml", environment: environment)
    return []
  } catch {
    guard case .invalidSettings(let issues) = error else {
      Issue.record("unexpected error: \(error)")
      return []
    }
    return issues
  }
}

@Suite struct LoadingTests {
  @Test func aSparseFileHasDefaults() throws {
    let configuration = try parse("General:\n  LocalMSPID: MyMSP\n")
    var expected = OrdererConfiguration()
    expected.general.localMSPID = "MyMSP"
    expected.general.localMSPDir = "/cfg/msp"
    expected.general.bootstrapFile = "/cfg/genesisblock"
    expected.consensus.walDir = "/var/hyperledger/production/orderer/etcdraft/wal"
    expected.consensus.snapDir = "/var/hyperledger/production/orderer/etcdraft/snapshot"
    #expect(configuration == expected)
  }

  @Test func everyDefaultIsFabrics() {
    let defaults = OrdererConfiguration()
    let lines = Set(defaults.effectiveLines)
    for line in [
      "General.ListenAddress = \"127.0.0.1\"", "General.ListenPort = 7050",
      "General.LedgerType = \"file\"", "General.BootstrapMethod = \"file\"",
      "General.Cluster.SendBufferSize = 100", "General.Cluster.DialTimeout = 5s",
      "General.Cluster.RPCTimeout = 7s", "General.Cluster.ReplicationBufferSize = 20971520",
      "General.Cluster.ReplicationBackgroundRefreshInterval = 5m0s",
      "General.Cluster.ReplicationMaxRetries = 12",
      "General.Cluster.CertExpirationWarningThreshold = 168h0m0s",
      "General.Cluster.ReplicationPolicy = \"consensus\"",
      "General.Keepalive.ServerMinInterval = 1m0s", "General.Keepalive.ServerInterval = 2h0m0s",
      "General.Authentication.TimeWindow = 15m0s", "General.MaxRecvMsgSize = 104857600",
      "General.Backoff.Multiplier = 1.6", "General.TLS.RootCAs = []",
      "FileLedger.Location = \"/var/hyperledger/production/orderer\"",
      "Kafka.Retry.ShortInterval = 1m0s", "Kafka.Retry.LongTotal = 12h0m0s",
      "Kafka.Retry.Metadata.RetryBackoff = 250ms", "Kafka.Version = 0.10.2.0",
      "Kafka.Topic.ReplicationFactor = 3", "Metrics.Provider = \"disabled\"",
      "ChannelParticipation.MaxRequestBodySize = 1048576", "General.BCCSP.Default = \"SW\"",
      "Consensus.EvictionSuspicion =", "RAMLedger.HistorySize = 10000",
    ] {
      #expect(lines.contains(line), "\(line)")
    }
    #expect(lines.count == SettingTable.all.count)
  }

  @Test func zeroAndEmptyMeanTheDefault() throws {
    let configuration = try parse(
      """
      General:
        ListenPort: 0
        ListenAddress: ""
        LocalMSPID:
        Authentication: {TimeWindow: 0s}
        Cluster: {SendBufferSize: 0, RootCAs: []}
        TLS:
      Kafka:
        Version: ''
        Retry: {ShortInterval: 0}
      Metrics: {Provider: ""}
      """)
    #expect(configuration.general.listenPort == 7050)
    #expect(configuration.general.listenAddress == "127.0.0.1")
    #expect(configuration.general.localMSPID == "SampleOrg")
    #expect(configuration.general.authentication.timeWindow == .seconds(900))
    #expect(configuration.general.cluster.sendBufferSize == 100)
    #expect(configuration.kafka.retry.shortInterval == .seconds(60))
    #expect(configuration.kafka.version == .standard)
    #expect(configuration.metrics.provider == .disabled)
  }

  @Test func keysIgnoreCase() throws {
    let configuration = try parse(
      "gENERAL:\n  listenport: 1234\n  tls:\n    ENABLED: true\nfileledger: {location: /x}\n")
    #expect(configuration.general.listenPort == 1234)
    #expect(configuration.general.tls.enabled)
    #expect(configuration.fileLedger.location == "/x")
  }

  @Test func theSettingsOfTheFirstGenerationAreKnown() throws {
    let loaded = try OrdererConfiguration.parse(
      """
      General:
        LedgerType: ram
        LogLevel: debug
        LogFormat: '%{message}'
        GenesisMethod: provisional
        GenesisProfile: SampleInsecureSolo
        GenesisFile: first.block
        SystemChannel: sys
        ListenPort: 7051
        Keepalive: {ServerMinInterval: 60s, ServerInterval: 7200s, ServerTimeout: 20s}
      FileLedger: {Location: ledger, Prefix: old}
      RAMLedger: {HistorySize: 1000}
      Kafka:
        Verbose: yes
        Retry:
          Consumer: {RetryBackoff: 500ms}
      """, file: "/cfg/orderer.yaml")
    let general = loaded.configuration.general
    #expect(general.ledgerType == .ram)
    #expect(general.logLevel == "debug")
    #expect(general.logFormat == "%{message}")
    #expect(general.bootstrapMethod == .provisional)
    #expect(general.genesisProfile == "SampleInsecureSolo")
    #expect(general.bootstrapFile == "/cfg/first.block")
    #expect(general.systemChannel == "sys")
    #expect(loaded.configuration.fileLedger.location == "/cfg/ledger")
    #expect(loaded.configuration.fileLedger.prefix == "old")
    #expect(loaded.configuration.ramLedger.historySize == 1000)
    #expect(loaded.configuration.kafka.verbose)
    #expect(loaded.configuration.kafka.retry.consumerRetryBackoff == .milliseconds(500))
    #expect(loaded.notices.allSatisfy { $0.severity == .info })
    #expect(loaded.folder == "/cfg")
  }

  @Test func theSettingsOfTheLatestGenerationAreKnown() throws {
    let configuration = try parse(
      """
      General:
        BootstrapMethod: none
        MaxRecvMsgSize: 1048576
        MaxSendMsgSize: 2 MB
        Throttling: {Rate: 500, InactivityTimeout: 10s}
        Backoff: {BaseDelay: 2s, Multiplier: 2, MaxDelay: 1m}
        Cluster: {ReplicationPolicy: simple, TLSHandshakeTimeShift: -1h}
        BCCSP:
          Default: PKCS11
          PKCS11:
            Library: /lib/p11.so
            Label: token
            Pin: "1234"
            Hash: SHA2
            Security: 256
            KeyIDs:
              - {ski: aa, id: one}
              - {SKI: bb, ID: two}
      Admin:
        ListenAddress: 127.0.0.1:9443
        TLS: {Enabled: true, ClientAuthRequired: true, ClientRootCAs: [ca.pem]}
      ChannelParticipation: {Enabled: true, MaxRequestBodySize: 3 MB}
      Consensus:
        WALDir: wal
        EvictionSuspicion: 10m
        TickIntervalOverride: 500ms
        Custom: {Depth: 3}
      """)
    #expect(configuration.general.bootstrapMethod == .none)
    #expect(configuration.general.maxRecvMsgSize == 1 << 20)
    #expect(configuration.general.maxSendMsgSize == 2 << 20)
    #expect(configuration.general.throttling.rate == 500)
    #expect(configuration.general.throttling.inactivityTimeout == .seconds(10))
    #expect(configuration.general.backoff.multiplier == 2)
    #expect(configuration.general.cluster.replicationPolicy == .simple)
    #expect(configuration.general.cluster.tlsHandshakeTimeShift == .seconds(-3600))
    #expect(configuration.general.bccsp.provider == .pkcs11)
    #expect(configuration.general.bccsp.pkcs11.pin == "1234")
    #expect(
      configuration.general.bccsp.pkcs11.keyIDs == [
        .init(ski: "aa", id: "one"), .init(ski: "bb", id: "two"),
      ])
    // Fabric resolves the paths of this listener against the working directory.
    #expect(configuration.admin.tls.clientRootCAs == ["ca.pem"])
    #expect(configuration.channelParticipation.maxRequestBodySize == 3 << 20)
    #expect(configuration.consensus.walDir == "wal")
    #expect(configuration.consensus.evictionSuspicion == .seconds(600))
    #expect(configuration.consensus.tickIntervalOverride == .milliseconds(500))
    #expect(configuration.consensus.other == ["Custom.Depth": "3"])
    #expect(configuration.effectiveLines.contains("Consensus.Custom.Depth = \"3\""))
  }

  @Test func pathsAreRelativeToTheConfigurationFolder() throws {
    let configuration = try parse(
      """
      General:
        TLS: {PrivateKey: tls/key, Certificate: /abs/cert, RootCAs: [a.pem, /b.pem]}
        Cluster: {ClientCertificate: c.pem, ServerCertificate: s.pem, RootCAs: r.pem}
        LocalMSPDir: ../msp
      FileLedger: {Location: ledger}
      """)
    #expect(configuration.general.tls.privateKey == "/cfg/tls/key")
    #expect(configuration.general.tls.certificate == "/abs/cert")
    #expect(configuration.general.tls.rootCAs == ["/cfg/a.pem", "/b.pem"])
    #expect(configuration.general.tls.clientRootCAs == [])
    #expect(configuration.general.cluster.clientCertificate == "/cfg/c.pem")
    #expect(configuration.general.cluster.serverCertificate == "s.pem")
    #expect(configuration.general.cluster.rootCAs == ["/cfg/r.pem"])
    #expect(configuration.general.localMSPDir == "/msp")
    #expect(configuration.fileLedger.location == "/cfg/ledger")
    #expect(configuration.consensus.walDir == "/cfg/ledger/etcdraft/wal")
  }

  @Test(
    "The newer name of a bootstrap setting wins, the older one is understood",
    arguments: [
      ("", OrdererConfiguration.BootstrapMethod.file, "/cfg/genesisblock"),
      ("GenesisMethod: file\n  GenesisFile: g", .file, "/cfg/g"),
      ("BootstrapMethod: none\n  GenesisMethod: file", .none, "/cfg/genesisblock"),
      ("BootstrapFile: b\n  GenesisFile: g", .file, "/cfg/b"),
      ("BootstrapMethod: ''\n  GenesisMethod: provisional", .provisional, "/cfg/genesisblock"),
      ("GenesisProfile: Solo", .provisional, "/cfg/genesisblock"),
      ("GenesisProfile: Solo\n  GenesisFile: g", .file, "/cfg/g"),
    ])
  func bootstrap(
    text: String, method: OrdererConfiguration.BootstrapMethod, file: String
  ) throws {
    let general = try parse("General:\n  LocalMSPID: x\n  \(text)\n").general
    #expect(general.bootstrapMethod == method)
    #expect(general.bootstrapFile == file)
  }

  @Test func anchorsAndMergeKeysWork() throws {
    let configuration = try parse(
      """
      Operations:
        TLS: &tls {Enabled: true, Certificate: c}
      Admin:
        TLS:
          <<: *tls
          Certificate: other
          ClientAuthRequired: true
      """)
    #expect(configuration.operations.tls.certificate == "c")
    #expect(configuration.admin.tls.enabled)
    #expect(configuration.admin.tls.certificate == "other")
  }

  @Test func aMergeReplacesWhatStandsBeforeItAsForFabric() throws {
    let loaded = try OrdererConfiguration.parse(
      "Operations: {TLS: &tls {Certificate: c}}\nAdmin: {TLS: {Certificate: other, <<: *tls}}\n",
      file: "/cfg/orderer.yaml")
    #expect(loaded.configuration.admin.tls.certificate == "c")
    #expect(loaded.notices.map(\.severity) == [.warning])
    #expect(loaded.notices.first?.message.contains("line 2: Admin.TLS.Certificate") == true)
  }
}

@Suite struct FindingTests {
  private let temporary: TemporaryFolder
  private var folder: String { temporary.path }

  init() throws { temporary = try TemporaryFolder() }

  private func write(_ text: String, _ name: String) throws -> String {
    let path = ConfigurationPath.clean(folder + "/" + name)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func theFolderOfTheEnvironmentComesFirst() throws {
    let path = try write("General: {ListenPort: 1}", "orderer.yaml")
    let loaded = try OrdererConfiguration.load(
      environment: ["FABRIC_CFG_PATH": folder], currentDirectory: "/")
    #expect(loaded.file == path)
    #expect(loaded.configuration.general.listenPort == 1)
  }

  @Test func theCurrentDirectoryIsNext() throws {
    let path = try write("General: {ListenPort: 2}", "orderer.yml")
    for environment in [[:], ["FABRIC_CFG_PATH": ""]] {
      let loaded = try OrdererConfiguration.load(
        environment: environment, currentDirectory: folder)
      #expect(loaded.file == path)
    }
  }

  @Test func aRelativeFolderIsBelowTheCurrentDirectory() throws {
    let path = try write("General: {LocalMSPDir: m}", "orderer.yaml")
    let parent = ConfigurationPath.folder(of: ConfigurationPath.clean(folder))
    let name = String(folder.split(separator: "/").last ?? "")
    let loaded = try OrdererConfiguration.load(
      environment: ["FABRIC_CFG_PATH": name], currentDirectory: parent)
    #expect(loaded.file == path)
    #expect(loaded.configuration.general.localMSPDir.hasPrefix("/"))
  }

  @Test func aMissingFolderIsPassedOverWithAWarning() throws {
    let path = try write("General: {LocalMSPDir: m}", "orderer.yaml")
    let loaded = try OrdererConfiguration.load(
      environment: ["FABRIC_CFG_PATH": "/no/where"], currentDirectory: folder)
    #expect(loaded.file == path)
    #expect(
      loaded.configuration.general.localMSPDir == ConfigurationPath.clean(folder + "/m"))
    #expect(loaded.notices.first?.severity == .warning)
    #expect(loaded.notices.first?.message.contains("/no/where") == true)
  }

  @Test func aFolderWithoutTheFileIsNamed() throws {
    _ = try write("", "other.yaml")
    let error = #expect(throws: ConfigurationError.self) {
      try OrdererConfiguration.load(
        environment: ["FABRIC_CFG_PATH": folder], currentDirectory: "/")
    }
    #expect(error?.description.contains(ConfigurationPath.clean(folder)) == true)
    #expect(error?.description.contains("orderer.yaml") == true)
  }

  @Test func aHugeFileIsRefused() throws {
    _ = try write(String(repeating: "# comment\n", count: 200_000), "orderer.yaml")
    let error = #expect(throws: ConfigurationError.self) {
      try OrdererConfiguration.load(
        environment: ["FABRIC_CFG_PATH": folder], currentDirectory: "/")
    }
    guard case .fileTooLarge(_, 2_000_000, 1_048_576) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func valuesCanComeFromFiles() throws {
    let key = try write("KEY", "key.pem")
    let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    let ca = try write(block + block, "ca.pem")
    let configuration = try parse(
      """
      Kafka:
        TLS:
          Enabled: true
          PrivateKey: {File: \(key)}
          Certificate:
          RootCAs:
            File: \(ca)
        SASLPlain: {Password: {file: \(key)}}
      """, ["ORDERER_KAFKA_TLS_CERTIFICATE_FILE": ca])
    #expect(configuration.kafka.tls.privateKey == "KEY")
    #expect(configuration.kafka.tls.certificate == block + block)
    #expect(configuration.kafka.tls.rootCAs == [block, block])
    #expect(configuration.kafka.saslPlain.password == "KEY")
    let problems = issues("Kafka: {TLS: {RootCAs: {File: \(key)}, Certificate: {File: /no/x}}}")
    #expect(problems.map(\.key) == ["Kafka.TLS.Certificate", "Kafka.TLS.RootCAs"])
    #expect(problems.map(\.problem)[0].contains("/no/x"))
  }
}
