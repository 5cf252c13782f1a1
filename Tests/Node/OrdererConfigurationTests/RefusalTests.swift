// Configurations that are refused, and what the operator is told.

import Testing

@testable import OrdererConfiguration

@Suite struct RefusalTests {
  @Test(
    "A value of the wrong type is refused with key, value and line",
    arguments: [
      ("General: {ListenPort: many}", "General.ListenPort", "many"),
      ("General: {ListenPort: 70000}", "General.ListenPort", "70000"),
      ("General: {ListenPort: -1}", "General.ListenPort", "-1"),
      ("General: {ListenPort: [1]}", "General.ListenPort", "a list"),
      ("General: {TLS: {Enabled: perhaps}}", "General.TLS.Enabled", "perhaps"),
      ("General: {TLS: {Enabled: 2}}", "General.TLS.Enabled", "2"),
      ("General: {TLS: true}", "General.TLS", "section"),
      ("General: [1]", "General", "section"),
      (
        "General: {Authentication: {TimeWindow: long}}", "General.Authentication.TimeWindow", "long"
      ),
      ("General: {Authentication: {TimeWindow: -5s}}", "General.Authentication.TimeWindow", "-5s"),
      ("General: {LocalMSPID: {a: b}}", "General.LocalMSPID", "section"),
      ("General: {LocalMSPDir: {File: x}}", "General.LocalMSPDir", "path itself"),
      ("General: {TLS: {RootCAs: [[x]]}}", "General.TLS.RootCAs", "element"),
      ("General: {TLS: {RootCAs: {File: x}}}", "General.TLS.RootCAs", "section"),
      ("General: {MaxRecvMsgSize: 4 GB}", "General.MaxRecvMsgSize", "4 GB"),
      ("General: {LedgerType: tape}", "General.LedgerType", "file, json, ram"),
      ("General: {GenesisMethod: magic}", "General.GenesisMethod", "magic"),
      ("General: {BootstrapMethod: magic}", "General.BootstrapMethod", "magic"),
      ("General: {BCCSP: {Default: X}}", "General.BCCSP.Default", "SW, PKCS11"),
      ("General: {BCCSP: {PKCS11: {KeyIDs: [a]}}}", "General.BCCSP.PKCS11.KeyIDs", "pairs"),
      ("General: {Backoff: {Multiplier: x}}", "General.Backoff.Multiplier", "x"),
      ("General: {VerificationTables: {Keys: 1025}}", "General.VerificationTables.Keys", "1024"),
      ("General: {VerificationTables: {Keys: -1}}", "General.VerificationTables.Keys", "-1"),
      ("Kafka: {Version: zero}", "Kafka.Version", "zero"),
      ("Kafka: {Version: 0.1}", "Kafka.Version", "unsupported"),
      (
        "ChannelParticipation: {MaxRequestBodySize: 1 TB}",
        "ChannelParticipation.MaxRequestBodySize", "1 TB"
      ),
      (
        "ChannelParticipation: {MaxRequestBodySize: 4g}", "ChannelParticipation.MaxRequestBodySize",
        "4g"
      ),
      ("Metrics: {Provider: abacus}", "Metrics.Provider", "prometheus"),
    ])
  func wrongTypes(text: String, key: String, word: String) throws {
    let problem = try #require(issues("\n" + text).first)
    #expect(problem.key == key)
    #expect(problem.problem.contains(word), "\(problem)")
    #expect(problem.source == .file("/cfg/orderer.yaml", line: 2))
    #expect(issues(text).count == 1)
  }

  @Test(
    "An unknown setting is refused with the nearest known one",
    arguments: [
      ("General: {NoSuchKey: 1}", "General.NoSuchKey", nil),
      ("NoSuchSection: {Key: 1}", "NoSuchSection", nil),
      ("General: {ListenPrt: 1}", "General.ListenPrt", "General.ListenPort"),
      ("ListenPort: 1", "ListenPort", "General.ListenPort"),
      ("Generl: {ListenPort: 1}", "Generl", "General"),
      ("General: {TLS: {Enable: 1}}", "General.TLS.Enable", "General.TLS.Enabled"),
      ("General: {WALDir: x}", "General.WALDir", "Consensus.WALDir"),
      (
        "Kafka: {Retry: {NetworkTimeout: {}}}", "Kafka.Retry.NetworkTimeout",
        "Kafka.Retry.NetworkTimeouts"
      ),
    ] as [(String, String, String?)])
  func unknown(text: String, key: String, suggestion: String?) throws {
    let problems = issues(text)
    #expect(problems.map(\.key) == [key])
    let hint = suggestion.map { "; did you mean \($0)?" } ?? ""
    #expect(problems.first?.problem == "there is no such setting\(hint)")
  }

  @Test func allProblemsAreReportedTogether() {
    let problems = issues(
      "General:\n  A: 1\n  ListenPort: x\nB: 2\nKafka: {TLS: {Enabled: maybe}}\n")
    #expect(problems.map(\.key) == ["General.A", "B", "General.ListenPort", "Kafka.TLS.Enabled"])
  }

  @Test(
    "Settings that contradict each other are refused",
    arguments: [
      (
        "Kafka: {TLS: {Enabled: true}}",
        ["Kafka.TLS.Certificate", "Kafka.TLS.PrivateKey", "Kafka.TLS.RootCAs"]
      ),
      ("Kafka: {SASLPlain: {Enabled: true, User: u}}", ["Kafka.SASLPlain.Password"]),
      ("Kafka: {SASLPlain: {Enabled: true, Password: p}}", ["Kafka.SASLPlain.User"]),
      ("Admin: {TLS: {Enabled: true}}", ["Admin.TLS.ClientAuthRequired"]),
    ])
  func contradictions(text: String, keys: [String]) {
    #expect(issues(text).map(\.key) == keys)
  }

  @Test(
    "What is no mapping is refused",
    arguments: [
      "General: [unclosed\n", "\tGeneral:\n", "just text\n", "", "# only a comment\n", "- a\n- b\n",
      "General: {}\n---\nGeneral: {}\n", "a: *nowhere\n", "? [a, b]\n: c\n", "'\\xzz",
      "General: 1\n  ListenPort: 2\n", "\0", "%YAML 9\n---\na: 1",
    ])
  func malformed(text: String) {
    let error = #expect(throws: ConfigurationError.self) { try parse(text) }
    guard case .malformed("/cfg/orderer.yaml", let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!reason.isEmpty)
  }

  @Test(
    "Duplicate keys are refused, in whatever case",
    arguments: ["Kafka:\nKafka:\n", "General: {ListenPort: 1, listenport: 2}\n"])
  func duplicates(text: String) {
    let error = #expect(throws: ConfigurationError.self) { try parse(text) }
    #expect(error?.description.lowercased().contains("key") == true)
  }

  @Test(
    "Deep nesting is refused",
    arguments: [33, 900, 5000, 200_000])
  func depth(levels: Int) {
    let text =
      "Consensus: " + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    #expect(throws: ConfigurationError.self) { try parse(text) }
    let block = "Consensus:\n - " + String(repeating: "- ", count: levels) + "x\n"
    #expect(throws: ConfigurationError.self) { try parse(block) }
  }

  @Test func aliasBombsAreRefused() {
    var text = "Consensus:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "  a\(level): &a\(level) [\(aliases)]\n"
    }
    let error = #expect(throws: ConfigurationError.self) { try parse(text) }
    #expect(error?.description.contains("aliases") == true)
  }

  @Test func fewAliasesOfMuchAreBounded() {
    let list = Array(repeating: "x", count: 20_000).joined(separator: ",")
    let text = "Consensus:\n  a: &a [\(list)]\n  b: [*a, *a, *a]\n"
    let error = #expect(throws: ConfigurationError.self) { try parse(text) }
    #expect(error?.description.contains("values") == true)
  }

  @Test func secretsAreNeverShown() throws {
    let text = """
      General: {BCCSP: {PKCS11: {Pin: "13572468"}}}
      Kafka:
        TLS: {PrivateKey: hidden-key}
        SASLPlain: {User: shown, Password: hidden-password}
      """
    let lines = try parse(text).effectiveLines.joined(separator: "\n")
    #expect(!lines.contains("hidden"))
    #expect(!lines.contains("13572468"))
    #expect(lines.contains("Kafka.SASLPlain.User = \"shown\""))
    #expect(lines.contains("Kafka.SASLPlain.Password = \"[masked]\""))
    #expect(lines.contains("General.BCCSP.PKCS11.Pin = \"[masked]\""))
    let problems = issues("Kafka: {SASLPlain: {Password: [hidden]}}")
    #expect(!problems.map(\.description).joined().contains("hidden"))
  }

  @Test func settingsWithoutEffectAreMentionedOnce() throws {
    let loaded = try OrdererConfiguration.parse(
      """
      General:
        BCCSP:
          SW: {Hash: SHA2, Strange: 1}
          PKCS11: {FileKeyStore: {KeyStore: }}
        TLS: {ClientAuthRequired: true}
        Cluster: {ListenPort: 7051}
        Authentication: {TimeWindow: 900}
      ChannelParticipation: {RemoveStorage: true}
      """, file: "/cfg/orderer.yaml")
    let messages = loaded.notices.map(\.message)
    #expect(loaded.notices.allSatisfy { $0.severity == .warning })
    #expect(messages.count == 5)
    for (message, word) in zip(
      messages,
      [
        "BCCSP.SW.Strange", "RemoveStorage", "General.Cluster.ServerCertificate",
        "General.TLS.ClientAuthRequired", "TimeWindow = 900",
      ])
    {
      #expect(message.contains(word))
    }
    #expect(!loaded.configuration.general.cluster.hasOwnListener)
  }

  @Test func everyLineOfTheDumpIsOneLine() throws {
    let configuration = try parse("Kafka: {TLS: {Certificate: \"a\\nb\", RootCAs: [\"c\\nd\"]}}")
    #expect(configuration.effectiveLines.allSatisfy { !$0.contains("\n") })
    #expect(configuration.effectiveLines.contains("Kafka.TLS.Certificate = \"a\\nb\""))
  }
}
