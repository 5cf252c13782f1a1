// Which brokers are trusted, and what an operator reads if one is not.

import FabricCrypto
import Foundation
import TestSupport
import Testing

@testable import KafkaClient

@Suite(.sockets) struct BrokerTrustTests {
  private let broker = "broker1.test:9093"

  private func trust(
    roots: [String] = [TestPEM.root], certificate: String = TestPEM.leaf,
    now: @escaping @Sendable () -> Date = { Date() }
  ) throws -> BrokerTrust {
    try BrokerTrust(
      KafkaClientSettings.TLS(certificate: certificate, privateKey: "", rootCertificates: roots),
      now: now)
  }

  private func der(_ pem: String) throws -> [UInt8] {
    try #require(PEM.decodeAll(pem).first).der
  }

  @Test func whatOpenSSLAcceptsIsAccepted() throws {
    let trust = try trust()
    #expect(trust.judge(try der(TestPEM.leaf), fault: 0, depth: 0, broker: broker) == nil)
    #expect(trust.judge(try der(TestPEM.root), fault: 0, depth: 1, broker: broker) == nil)
    #expect(trust.judge([1, 2, 3], fault: 0, depth: 0, broker: broker) == nil)
  }

  @Test func aCommonNameIsNoHostName() throws {
    let trust = try trust()
    let certificate = try der(TestPEM.commonName)
    let reason = trust.judge(certificate, fault: 0, depth: 0, broker: broker)
    #expect(reason?.contains("subject alternative name broker1.test") == true)
    // Addresses are never looked for in common names.
    for address in ["127.0.0.1:9093", "[::1]:9093"] {
      #expect(trust.judge(certificate, fault: 0, depth: 0, broker: address) == nil)
    }
  }

  /// Go trusts each certificate of RootCAs as it is, while OpenSSL follows a chain to its end.
  @Test(arguments: [Int32(2), 20, 21]) func aRootNeedNotBeSelfSigned(fault: Int32) throws {
    let middle = try der(TestPEM.middle)
    #expect(
      try trust(roots: [TestPEM.middle]).judge(middle, fault: fault, depth: 1, broker: broker)
        == nil)
    let reason = try trust().judge(middle, fault: fault, depth: 1, broker: broker)
    #expect(reason?.contains("CN=Kafka CA, which is not in Kafka.TLS.RootCAs") == true)
    let late = Date(timeIntervalSinceNow: 200 * 365 * 86_400)
    #expect(
      try trust(roots: [TestPEM.middle], now: { late }).judge(
        middle, fault: fault, depth: 1, broker: broker)?.contains("expired") == true)
  }

  /// A certificate in RootCAs is not trusted if anything else is wrong with it.
  @Test(arguments: [
    (Int32(10), "has expired on"), (9, "is not valid before"), (18, "self-signed"),
    (19, "self-signed"), (62, "is not for broker1.test"), (26, "extended key usage"),
    (67, "too weak"), (7, "error 7"),
  ])
  func theReasonTellsWhatIsWrong(fault: Int32, words: String) throws {
    let trust = try trust(roots: [TestPEM.root, TestPEM.expired])
    let reason = trust.judge(try der(TestPEM.expired), fault: fault, depth: 0, broker: broker)
    #expect(reason?.contains(words) == true, "\(reason ?? "accepted")")
    #expect(reason?.contains("CN=broker") == true, "\(reason ?? "accepted")")
  }

  @Test func namesAreTold() throws {
    let reason = try trust().judge(
      try der(TestPEM.leaf), fault: 62, depth: 0, broker: "other.test:9093")
    #expect(reason?.contains("is not for other.test") == true)
    #expect(reason?.contains("but for broker1.test, 127.0.0.1") == true)
  }

  @Test func intermediatesAreSentAlongWithoutBeingTrustAnchors() throws {
    let trust = try trust(certificate: TestPEM.low + TestPEM.middle + TestPEM.otherRoot)
    // A self-signed certificate there would be one.
    #expect(trust.authorities == TestPEM.root + TestPEM.middle)
    let reason = trust.judge(try der(TestPEM.middle), fault: 20, depth: 1, broker: broker)
    #expect(reason != nil)
  }

  @Test func textsWithoutCertificatesAreRefusedByName() {
    #expect(throws: KafkaError.self) { try trust(roots: []) }
    do {
      _ = try trust(certificate: "hello")
      Issue.record("a text was taken for a certificate")
    } catch { #expect("\(error)".contains("Kafka.TLS.Certificate")) }
    do {
      _ = try trust(roots: ["hello"])
      Issue.record("a text was taken for a certificate")
    } catch { #expect("\(error)".contains("Kafka.TLS.RootCAs")) }
  }

  /// The texts are those of librdkafka 2.0.2 and 2.16.
  @Test(arguments: [
    (
      "ssl://b:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify "
        + "failed: broker certificate could not be verified (after 1ms in state SSL_HANDSHAKE)",
      BrokerFailure.Kind.brokerCertificate,
      "the certificate of Kafka broker b:1 is not trusted: it is too old"
    ),
    (
      "ssl://b:1/1: Receive failed: error:0A000415:SSL routines::sslv3 alert certificate expired: "
        + "SSL alert number 45 (after 3ms in state APIVERSION_QUERY)",
      .ownCertificate,
      "Kafka broker b:1 refuses this orderer's certificate (certificate expired): "
        + "Kafka.TLS.Certificate is mine"
    ),
    (
      "sasl_ssl://b:1/bootstrap: SASL authentication error: Authentication failed: Invalid username "
        + "or password (after 2ms in state AUTH_REQ, 4 identical error(s) suppressed)",
      .password,
      "Kafka broker b:1 refuses Kafka.SASLPlain.User and Password: Authentication failed: Invalid "
        + "username or password"
    ),
    (
      "sasl_plaintext://b:1/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Unsupported "
        + "SASL mechanism: broker's supported mechanisms: SCRAM-SHA-256 (after 0ms in state "
        + "AUTH_HANDSHAKE)",
      .password,
      "Kafka broker b:1 does not accept Kafka.SASLPlain.Mechanism: broker's supported mechanisms: "
        + "SCRAM-SHA-256"
    ),
    (
      "b:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state "
        + "CONNECT)",
      .other, "Kafka broker b:1: Connect to ipv4#127.0.0.1:1 failed: Connection refused"
    ),
    ("something else", .other, "Kafka: something else"),
  ])
  func failuresAreToldInTermsOfTheSettings(
    text: String, kind: BrokerFailure.Kind, reason: String
  ) {
    let failure = BrokerFailure(text, ownCertificate: "mine") { broker in
      broker == "b:1" ? "it is too old" : nil
    }
    #expect(failure.kind == kind)
    #expect(failure.reason == reason)
  }

  @Test(arguments: [
    (
      "ssl://b:1/bootstrap: SSL handshake failed: Disconnected: SSL connection closed by peer: "
        + "connecting to a PLAINTEXT broker listener? (after 1ms in state SSL_HANDSHAKE)",
      "Kafka.TLS.Enabled"
    ),
    (
      "ssl://b:1/bootstrap: SSL handshake failed: error:0A000126:SSL routines::unexpected eof while "
        + "reading (after 2ms in state SSL_HANDSHAKE)",
      "Kafka.TLS.Enabled"
    ),
    (
      "b:1/bootstrap: Disconnected: requesting ApiVersion: might be caused by incorrect "
        + "security.protocol configuration (connecting to a SSL listener?) or broker version is < 0.10",
      "Kafka.TLS.Enabled"
    ),
    (
      "b:1/bootstrap: Disconnected: verify that security.protocol is correctly configured, broker "
        + "might require SASL authentication (after 1ms in state UP)",
      "Kafka.SASLPlain.Enabled"
    ),
    (
      "b:1/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 0ms in "
        + "state APIVERSION_QUERY)",
      "want TLS (Kafka.TLS.Enabled) or want a password (Kafka.SASLPlain.Enabled)"
    ),
    (
      "b:1/1: Disconnected: connection closed by peer: receive 0 after POLLIN (after 999ms in state "
        + "UP)",
      "Kafka.SASLPlain.Enabled"
    ),
    (
      "ssl://b:1/bootstrap: SSL handshake failed: error:0A00010B:SSL routines::wrong version number",
      "Kafka.TLS.Enabled"
    ),
  ])
  func aMisunderstandingNamesTheSettings(text: String, words: String) {
    let failure = BrokerFailure(text)
    #expect([.protocols, .closed].contains(failure.kind))
    #expect(failure.reason.contains(words))
    #expect(!failure.reason.contains("security.protocol"))
  }

  @Test func aBrokerThatHangsUpOnACertificateMayNotLikeIt() {
    let text =
      "ssl://b:1/1: Disconnected: SSL connection closed by peer (after 3ms in state APIVERSION_QUERY)"
    let failure = BrokerFailure(text, ownCertificate: "mine")
    #expect(failure.kind == .closed)
    #expect(failure.reason.contains("not accept Kafka.TLS.Certificate, which is mine"))
  }

  @Test func anEndAfterAWhileIsNothingSpecial() {
    let text = "b:1/1: Disconnected: connection closed by peer (after 1000ms in state UP)"
    #expect(BrokerFailure(text).kind == .other)
  }
}
