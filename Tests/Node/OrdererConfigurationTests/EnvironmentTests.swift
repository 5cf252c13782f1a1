// What ORDERER_ variables do.

import Testing

@testable import OrdererConfiguration

@Suite struct EnvironmentTests {
  @Test func variablesOverrideTheFile() throws {
    let configuration = try parse(
      """
      General:
        ListenPort: 1
        LocalMSPDir: /nowhere
        TLS: {Enabled: false}
        Authentication: {TimeWindow: 1s}
      """,
      [
        "ORDERER_GENERAL_LISTENPORT": "2", "ORDERER_GENERAL_LOCALMSPDIR": "msp",
        "ORDERER_GENERAL_TLS_ENABLED": "true",
        "ORDERER_GENERAL_AUTHENTICATION_TIMEWINDOW": "1h30m",
        "ORDERER_GENERAL_BCCSP_PKCS11_PIN": "98765432", "ORDERER_KAFKA_VERSION": "1.0",
        "ORDERER_CHANNELPARTICIPATION_MAXREQUESTBODYSIZE": "2 mb",
        "ORDERER_CONSENSUS_WALDIR": "/wal", "ORDERER_GENERAL_LOCALMSPID": "",
      ])
    #expect(configuration.general.listenPort == 2)
    #expect(configuration.general.localMSPDir == "/cfg/msp")
    #expect(configuration.general.localMSPID == "SampleOrg")
    #expect(configuration.general.tls.enabled)
    #expect(configuration.general.authentication.timeWindow == .seconds(5400))
    #expect(configuration.general.bccsp.pkcs11.pin == "98765432")
    #expect(configuration.kafka.version.description == "1.0.0")
    #expect(configuration.channelParticipation.maxRequestBodySize == 2 << 20)
    #expect(configuration.consensus.walDir == "/wal")
  }

  @Test(
    "Lists are written in brackets, with commas, or alone",
    arguments: [
      ("[/a, /b]", ["/a", "/b"]), ("[/a,/b]", ["/a", "/b"]), ("/a,/b", ["/a", "/b"]),
      ("/a", ["/a"]), ("[]", []), ("[ /a ]", ["/a"]), ("[\"/a\", '/b']", ["/a", "/b"]),
      ("/with blank/a", ["/with blank/a"]), ("[a]", ["/cfg/a"]),
    ])
  func lists(text: String, expected: [String]) throws {
    let configuration = try parse(
      "General: {TLS: {ClientRootCAs: [/file]}}",
      ["ORDERER_GENERAL_TLS_CLIENTROOTCAS": text])
    #expect(configuration.general.tls.clientRootCAs == expected)
    let quoted = try parse("General: {TLS: {ClientRootCAs: '\(text.filter { $0 != "'" })'}}")
    #expect(quoted.general.tls.clientRootCAs == expected)
  }

  @Test func certificatesInTheEnvironmentAreNotSplit() throws {
    let pem = "-----BEGIN CERTIFICATE-----\nAA,BB\n-----END CERTIFICATE-----"
    let configuration = try parse("General:", ["ORDERER_KAFKA_TLS_ROOTCAS": pem])
    #expect(configuration.kafka.tls.rootCAs == [pem])
  }

  @Test func everySettingHasItsVariable() throws {
    #expect(
      Setting.variable(for: "General.Cluster.RootCAs")
        == "ORDERER_GENERAL_CLUSTER_ROOTCAS")
    // A text is wrong for most types, so nearly every variable shows that it is looked at.
    for key in SettingTable.all.map(\.key) {
      let name = Setting.variable(for: key)
      let problems = issues("General:", [name: "?"])
      let configuration = try? parse("General:", [name: "?"])
      let changed = configuration.map { $0 != (try? parse("General:")) } ?? false
      #expect(changed || problems.contains { $0.source == .environment(name) }, "\(key)")
    }
  }

  @Test func aVariableForOpaqueConsensusSettingsNeedsTheSetting() throws {
    let environment = ["ORDERER_CONSENSUS_CUSTOM_A": "env", "ORDERER_CONSENSUS_CUSTOM_B": "env"]
    let configuration = try parse("Consensus: {Custom: {A: file}}", environment)
    #expect(configuration.consensus.other == ["Custom.A": "env"])
  }

  @Test func aSectionCannotBeAVariable() {
    let problems = issues("General:", ["ORDERER_GENERAL_TLS": "x"])
    #expect(problems.count == 1)
    #expect(problems.first?.description.contains("ORDERER_GENERAL_TLS") == true)
  }

  @Test func aMistypedVariableIsMentioned() throws {
    let loaded = try OrdererConfiguration.parse(
      "General:", file: "/cfg/orderer.yaml",
      environment: ["ORDERER_GENERAL_LISTENPROT": "1", "ORDERER_SERVICE_HOST": "10.0.0.1"])
    #expect(loaded.notices.count == 1)
    let message = loaded.notices.first?.message ?? ""
    #expect(message.contains("ORDERER_GENERAL_LISTENPROT"))
    #expect(message.contains("ORDERER_GENERAL_LISTENPORT"))
  }

  @Test func aWrongValueNamesItsVariable() {
    let problems = issues(
      "General: {ListenPort: 1}", ["ORDERER_GENERAL_LISTENPORT": "many"])
    #expect(
      problems.map(\.description) == [
        "General.ListenPort: \"many\" is not a whole number from 0 to 65535"
          + " (environment variable ORDERER_GENERAL_LISTENPORT)"
      ])
  }
}
