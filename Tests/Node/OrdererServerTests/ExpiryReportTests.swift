// Who watches a node learns in time that its certificates expire.

import Concurrency
import Logging
import Metrics
import NodeMetrics
import TestSupport
import Testing

@testable import OrdererServer

@Suite struct ExpiryReportTests {
  private static let day: Int64 = 24 * 3_600

  @Test func theWarningComesAMonthAheadAndGoesWithTheRenewal() {
    let report = ExpiryReport(warn: { _ in }, metrics: NOOPMetricsHandler.instance)
    let signing = OwnCertificate(role: "signing", notAfter: 400 * Self.day)
    report.take(
      [OwnCertificate(role: "server TLS", notAfter: 100 * Self.day), signing], now: 69 * Self.day)
    #expect(report.problem == nil)
    report.take(
      [OwnCertificate(role: "server TLS", notAfter: 100 * Self.day), signing], now: 70 * Self.day)
    #expect(
      report.problem == "the server TLS certificate expires in 30 days: renew what expires")
    report.take(
      [OwnCertificate(role: "server TLS", notAfter: 100 * Self.day), signing],
      now: 101 * Self.day)
    #expect(report.problem == "the server TLS certificate has expired: renew what expires")
    report.take(
      [OwnCertificate(role: "server TLS", notAfter: 200 * Self.day), signing],
      now: 101 * Self.day)
    #expect(report.problem == nil)
  }

  @Test func theTimeLeftIsAMetric() {
    let registry = MetricRegistry(catalogue: .node, logger: TestLog().logger)
    let report = ExpiryReport(warn: { _ in }, metrics: registry)
    report.take(
      [
        OwnCertificate(role: "server TLS", notAfter: 1_000),
        OwnCertificate(role: "signing", notAfter: 10),
      ], now: 40)
    let text = String(decoding: registry.renderPrometheus(), as: UTF8.self)
    #expect(text.contains("heddle_certificate_expiry_seconds{use=\"server_tls\"} 960\n"))
    #expect(text.contains("heddle_certificate_expiry_seconds{use=\"signing\"} -30\n"))
  }
}
