// When this node's own certificates expire, for those who watch it.

import MetricDescriptions
import Metrics
import Operations
import Synchronization

/// The time that is left to each certificate, as a metric, and a warning beside the node's health from 30 days before.
///
/// A warning does not change the state of health: a node whose certificate is going to expire must not be ended for it.
final class ExpiryReport: Sendable {
  /// Seconds before the end from which on there is a warning.
  static let notice: Int64 = 30 * 24 * 3_600
  /// The component of the warning.
  static let component = "certificates"

  private let metrics: any MetricsFactory
  private let warning = Mutex<String?>(nil)

  convenience init(metrics: any MetricsFactory, health: HealthChecks) {
    self.init(warn: { health.warn(component: Self.component, $0) }, metrics: metrics)
  }

  /// - Parameter warn: Gets what is asked for the warning.
  init(warn: (@escaping HealthChecks.Warning) -> Void, metrics: any MetricsFactory) {
    self.metrics = metrics
    warn { [weak self] in self?.problem }
  }

  /// What is to be said of the certificates; nil if nothing is.
  var problem: String? { warning.withLock { $0 } }

  /// Notes the certificates that are in use.
  ///
  /// - Parameter now: Seconds since 1970.
  func take(_ certificates: [OwnCertificate], now: Int64) {
    var expiring: [String] = []
    for certificate in certificates {
      let left = certificate.notAfter - now
      metrics.gauge(Self.secondsLeft, certificate.use).record(left)
      if left <= Self.notice { expiring.append(Self.text(certificate, left)) }
    }
    let text =
      expiring.isEmpty
      ? nil : expiring.joined(separator: "; ") + ": renew what expires"
    warning.withLock { $0 = text }
  }

  private static func text(_ certificate: OwnCertificate, _ left: Int64) -> String {
    guard left >= 0 else { return "the \(certificate.role) certificate has expired" }
    return "the \(certificate.role) certificate expires in \(left / (24 * 3_600)) days"
  }

  private static let secondsLeft = MetricDescription.gauge(
    "heddle.certificate.expiry_seconds", labels: ["use"],
    "Seconds until a certificate of this node expires; less than 0 once it has.")

  static let descriptions = [secondsLeft]
}

extension OwnCertificate {
  /// The role as the value of a label.
  fileprivate var use: String { String(role.lowercased().map { $0 == " " ? "_" : $0 }) }
}
