// The node's own routes: /healthz, /logspec, /version and /metrics.

import Foundation
import GoText
import HTTPTransport
import MetricDescriptions
import Metrics
import NodeMetrics

enum OperationsRoutes {
  /// Largest body of `/logspec`; a spec itself is shorter.
  static let logSpecBodyLimit = 64 << 10
  /// What the handlers get beyond the time of the health checks, to answer themselves.
  private static let healthMargin = Duration.seconds(5)

  // MARK: /healthz

  /// Only GET; 200 or 503 with the failures; 408 if the checks take too long.
  static func health(
    _ checks: HealthChecks, now: @escaping @Sendable () -> UnixTime
  ) -> HTTPRoute {
    HTTPRoute(
      path: "/healthz", access: .open, timeout: checks.timeout + healthMargin, timeoutStatus: 408
    ) { request in
      guard request.method == "GET" else { return HTTPResponse(status: 405) }
      guard let failures = await checks.failures() else { return HTTPResponse(status: 408) }
      return health(failures, warnings: checks.warnings(), time: now())
    }
  }

  static func health(
    _ failures: [HealthChecks.Failure], warnings: [HealthChecks.Failure] = [], time: UnixTime
  ) -> HTTPResponse {
    let status = failures.isEmpty ? "OK" : "Service Unavailable"
    var json =
      "{\"status\":\(JSONText.string(status)),\"time\":\(JSONText.string(time.utc(.rfc3339Nano)))"
    for (name, list) in [("failed_checks", failures), ("warnings", warnings)] where !list.isEmpty {
      let objects = list.map {
        JSONText.object([("component", $0.component), ("reason", $0.reason)])
      }
      json += ",\"\(name)\":[" + objects.joined(separator: ",") + "]"
    }
    return .json(status: failures.isEmpty ? 200 : 503, json + "}")
  }

  // MARK: /logspec

  /// GET shows the spec, PUT sets it (204); 400 for anything else.
  static func logSpec(_ control: any LogSpecControl) -> HTTPRoute {
    HTTPRoute(path: "/logspec", access: .clientCertificate, bodyLimit: logSpecBodyLimit) {
      request in
      switch request.method {
      case "GET":
        return .json(JSONText.object([("spec", control.spec)]) + "\n")
      case "PUT":
        do {
          try control.setSpec(try LogSpecBody.spec(in: request.body))
        } catch {
          return failure(name: "error", "\(error)", end: "\n")
        }
        return HTTPResponse(status: 204)
      default:
        return failure(
          name: "error", "invalid request method: \(request.method)", end: "\n")
      }
    }
  }

  // MARK: /version

  /// Only GET; 400 for anything else.
  static func version(_ version: VersionInformation) -> HTTPRoute {
    HTTPRoute(path: "/version", access: .open) { request in
      guard request.method == "GET" else {
        return failure(name: "Error", "invalid request method: \(request.method)", end: "")
      }
      let members = [("CommitSHA", version.commitSHA), ("Version", version.version)]
      return .json(JSONText.object(members.filter { !$0.1.isEmpty }))
    }
  }

  private static func failure(name: String, _ reason: String, end: String) -> HTTPResponse {
    .json(status: 400, JSONText.object([(name, reason)]) + end)
  }

  // MARK: /metrics

  /// Any method, as Go's handler.
  static func metrics(_ registry: MetricRegistry) -> HTTPRoute {
    let inFlight = Meter(label: ScrapeMetrics.inFlight.name, factory: registry)
    let handled = ["200", "500", "503"].map { registry.counter(ScrapeMetrics.handled, $0) }
    for counter in handled { counter.increment(by: 0) }
    let succeeded = handled[0]
    let renderer = Renderer(registry: registry)
    return HTTPRoute(path: "/metrics", access: .clientCertificate) { _ in
      inFlight.increment()
      defer {
        inFlight.decrement()
        succeeded.increment()
      }
      return HTTPResponse(
        status: 200, headers: [("Content-Type", MetricRegistry.prometheusContentType)],
        body: await renderer.render())
    }
  }
}

/// What Go's Prometheus client measures of itself; only Prometheus is told.
package enum ScrapeMetrics {
  static let inFlight = MetricDescription(
    name: "promhttp_metric_handler_requests_in_flight", kind: .gauge,
    help: "Requests for /metrics that are being answered.", statsdFormat: nil)
  static let handled = MetricDescription(
    name: "promhttp_metric_handler_requests_total", kind: .counter, labels: ["code"],
    help: "Requests for /metrics that were answered, by HTTP status.", statsdFormat: nil)

  package static let descriptions = [inFlight, handled]
}

/// Renders metrics, one scrape after the other: however many ask, ordering keeps the other cores.
private actor Renderer {
  private let registry: MetricRegistry

  init(registry: MetricRegistry) { self.registry = registry }

  func render() -> [UInt8] { registry.renderPrometheus() }
}

/// The body of a PUT of `/logspec`: `{"spec": "…"}`.
struct LogSpecBody: Decodable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  private let spec: String

  /// As Go decodes: names in whatever case, unknown ones ignored, a missing one or null is empty.
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    let name = container.allKeys.first { $0.stringValue.lowercased() == "spec" }
    spec = try name.flatMap { try container.decodeIfPresent(String.self, forKey: $0) } ?? ""
  }

  /// The spec that a body asks for; an empty one is the default.
  ///
  /// - Throws: an error with a reason for the client.
  static func spec(in body: [UInt8]) throws -> String {
    do {
      return try JSONDecoder().decode(LogSpecBody?.self, from: Data(body))?.spec ?? ""
    } catch DecodingError.typeMismatch(_, let context) {
      let place =
        context.codingPath.isEmpty ? "the body must be an object" : "spec must be a string"
      throw Problem(description: "json: \(place): {\"spec\": \"info\"}")
    } catch {
      throw Problem(description: "the body is no JSON object: {\"spec\": \"info\"}")
    }
  }
}
