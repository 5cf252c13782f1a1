// The operations service as its clients see it; what is expected is what the Go orderer answers.

import Concurrency
import GoText
import HTTPTestClient
import HTTPTransport
import Logging
import Metrics
import NodeMetrics
import Sockets
import TestSupport
import Testing

@testable import Operations

@Suite(.sockets) struct OperationsServerTests {
  private let log = TestLog()
  private let health = HealthChecks(timeout: .seconds(3600), time: ManualTime())
  private let spec = TestLogSpec()

  private func withServer(
    tls: HTTPServerTLS? = nil, prometheus: MetricRegistry? = nil,
    _ body: (OperationsServer) async throws -> Void
  ) async throws {
    let server = try OperationsServer(
      listenAddress: "127.0.0.1:0", tls: tls,
      version: VersionInformation(version: "2.5.16", commitSHA: "abcdef123"), health: health,
      logSpec: spec, prometheus: prometheus, limits: .patient, time: ManualTime(),
      now: { UnixTime(seconds: 1_795_380_710, nanoseconds: 5) }, logger: log.logger)
    try await server.start()
    do {
      try await body(server)
    } catch {
      await server.shutdown(grace: .zero)
      throw error
    }
    await server.shutdown(grace: .zero)
  }

  @Test func healthIsOKAsJSON() async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "GET", "/healthz")
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"] == "application/json")
      #expect(answer.headers["content-length"] == String(answer.body.utf8.count))
      #expect(answer.headers["x-request-id"]?.count == 36)
      #expect(answer.headers["date"] == "Sun, 22 Nov 2026 20:51:50 GMT")
      #expect(answer.body == #"{"status":"OK","time":"2026-11-22T20:51:50.000000005Z"}"#)
    }
  }

  @Test func aFailedCheckIs503WithItsReason() async throws {
    try health.register(component: "channel x") { "cannot write" }
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "GET", "/healthz")
      #expect(answer.status == 503)
      #expect(answer.body.contains(#"[{"component":"channel x","reason":"cannot write"}]"#))
    }
  }

  @Test func slowChecksAre408() async throws {
    let time = ManualTime()
    let slow = HealthChecks(timeout: .seconds(3600), time: time)
    try slow.register(component: "slow") {
      await untilCancelled()
      return nil
    }
    let server = try OperationsServer(
      listenAddress: "127.0.0.1:0", version: VersionInformation(version: "1", commitSHA: ""),
      health: slow, logSpec: spec, limits: .patient, time: ManualTime(), logger: log.logger)
    try await server.start()
    async let answer = ask(server.boundAddress, "GET", "/healthz")
    await time.waitForSleepers(1)
    time.advance(by: .seconds(3600))
    #expect(try await answer.status == 408)
    #expect(try await answer.body.isEmpty)
    await server.shutdown(grace: .zero)
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "HEAD"])
  func healthOnlyAnswersGET(method: String) async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, method, "/healthz")
      #expect(answer.status == 405)
      #expect(answer.body.isEmpty)
    }
  }

  @Test func versionIsJSON() async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "GET", "/version")
      #expect(answer.status == 200)
      #expect(answer.body == #"{"CommitSHA":"abcdef123","Version":"2.5.16"}"#)
      let other = try await ask(server.boundAddress, "POST", "/version", "")
      #expect(other.status == 400)
      #expect(other.body == #"{"Error":"invalid request method: POST"}"#)
    }
  }

  @Test func theLogSpecCanBeReadAndSet() async throws {
    try await withServer { server in
      let address = server.boundAddress
      let before = try await ask(address, "GET", "/logspec")
      #expect(before.status == 200)
      #expect(before.body == "{\"spec\":\"info\"}\n")
      let put = try await ask(address, "PUT", "/logspec", #"{"spec": "debug"}"#)
      #expect(put.status == 204)
      #expect(put.headers["content-length"] == nil)
      #expect(put.headers["transfer-encoding"] == nil)
      #expect(try await ask(address, "GET", "/logspec").body == "{\"spec\":\"debug\"}\n")
      #expect(spec.spec == "debug")
    }
  }

  @Test(arguments: [
    ("{}", "info"), ("null", "info"), (#"{"spec":null}"#, "info"), (#"{"Spec":"a=b:c"}"#, "a=b:c"),
    (#"{"spec":"x","more":[1,{"a":2}]}"#, "x"), ("  {\"spec\":\"\\u0061\"}\n", "a"),
  ])
  func bodiesThatGoTakesAreTaken(body: String, result: String) async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "PUT", "/logspec", body)
      #expect(answer.status == 204)
      #expect(spec.spec == result)
    }
  }

  @Test(arguments: [
    "", "not json", #"{"spec":1}"#, "[]", "1", #""info""#, #"{"spec":"info""#,
    #"{"spec":"nosuchlevel"}"#, #"{"spec":["info"]}"#, "\u{0}\u{1}",
    String(repeating: "[", count: 20_000), String(repeating: "{\"a\":", count: 5_000),
  ])
  func otherBodiesAreBadRequests(body: String) async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "PUT", "/logspec", body)
      #expect(answer.status == 400)
      #expect(answer.headers["content-type"] == "application/json")
      #expect(answer.body.hasPrefix(#"{"error":""#))
      #expect(answer.body.hasSuffix("\"}\n"))
      #expect(spec.spec == "info")
    }
  }

  @Test func theReasonOfABadSpecIsTold() async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "PUT", "/logspec", #"{"spec":"nosuch"}"#)
      #expect(
        answer.body
          == "{\"error\":\"invalid logging specification 'nosuch': bad segment 'nosuch'\"}\n")
    }
  }

  @Test(arguments: ["DELETE", "POST", "PATCH"])
  func otherMethodsOfLogspecAreBadRequests(method: String) async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, method, "/logspec")
      #expect(answer.status == 400)
      #expect(answer.body == "{\"error\":\"invalid request method: \(method)\"}\n")
    }
  }

  @Test func metricsAreThereWithPrometheusOnly() async throws {
    let registry = MetricRegistry(catalogue: MetricCatalogue([]), logger: log.logger)
    Counter(label: "deliver_streams_opened", factory: registry).increment(by: 3)
    try await withServer(prometheus: registry) { server in
      _ = try await ask(server.boundAddress, "GET", "/metrics")
      let answer = try await ask(server.boundAddress, "GET", "/metrics")
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
      #expect(answer.body.contains("\ndeliver_streams_opened 3\n"))
      #expect(answer.body.contains("\nprocess_open_fds "))
      #expect(answer.body.contains("\npromhttp_metric_handler_requests_in_flight 1\n"))
      #expect(answer.body.contains("\npromhttp_metric_handler_requests_total{code=\"200\"} 1\n"))
      #expect(answer.body.contains("\npromhttp_metric_handler_requests_total{code=\"500\"} 0\n"))
    }
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "GET", "/metrics")
      #expect(answer.status == 404)
    }
  }

  @Test(arguments: ["/", "/nosuch", "/healthz/", "/metricsx", "/logspec/x", "/%00"])
  func otherPathsAreNotFound(path: String) async throws {
    try await withServer { server in
      let answer = try await ask(server.boundAddress, "GET", path)
      #expect(answer.status == 404)
      #expect(answer.body == "404 page not found\n")
      #expect(answer.headers["content-type"] == "text/plain; charset=utf-8")
    }
  }

  @Test func aRequestKeepsItsID() async throws {
    try await withServer { server in
      let answer = try await ask(
        server.boundAddress, "GET", "/healthz", headers: ["X-Request-Id: abc"])
      #expect(answer.headers["x-request-id"] == "abc")
      let long = try await ask(
        server.boundAddress, "GET", "/healthz",
        headers: ["X-Request-Id: " + String(repeating: "a", count: 1000)])
      #expect(long.headers["x-request-id"]?.count == 36)
    }
  }

  @Test func otherServicesAddRoutes() async throws {
    try await withServer { server in
      try server.register(
        HTTPRoute(path: "/participation/v1/channels/", access: .open, bodyLimit: 10) { request in
          .text(status: 201, "\(request.method) \(request.path) \(request.query) \(request.body)")
        })
      let address = server.boundAddress
      let answer = try await ask(address, "POST", "/participation/v1/channels/a%20b?x=1", "AB")
      #expect(answer.status == 201)
      #expect(answer.body == "POST /participation/v1/channels/a b x=1 [65, 66]")
      let redirect = try await ask(address, "GET", "/participation/v1/channels?x=1")
      #expect(redirect.status == 307)
      #expect(redirect.headers["location"] == "/participation/v1/channels/?x=1")
      let large = try await ask(
        address, "POST", "/participation/v1/channels/a", String(repeating: "A", count: 11))
      #expect(large.status == 413)
      #expect(throws: HTTPServerError.self) {
        try server.register(HTTPRoute(path: "/healthz", access: .open) { _ in .text("") })
      }
    }
  }

  @Test func anAddressThatIsTakenIsNamed() async throws {
    try await withServer { first in
      let address = try #require(first.boundAddress)
      let second = try OperationsServer(
        listenAddress: address, version: VersionInformation(version: "1", commitSHA: "1"),
        health: health, logSpec: spec, limits: .patient, time: ManualTime(),
        logger: log.logger)
      let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
      #expect(
        error?.description
          == "failed to start operations subsystem: listen tcp \(address): bind: address already "
          + "in use (Operations.ListenAddress)")
      await second.shutdown()
    }
  }

  @Test(arguments: [
    ("nohost", "missing port in address"), ("a:b:c", "too many colons"), ("[::1:80", "missing ']'"),
    ("127.0.0.1:70000", "'70000' is not a port"), ("127.0.0.1:https", "'https' is not a port"),
  ])
  func addressesThatAreNoneAreRefused(address: String, reason: String) throws {
    let error = #expect(throws: HTTPServerError.self) {
      try OperationsServer(
        listenAddress: address, version: VersionInformation(version: "1", commitSHA: "1"),
        health: health, logSpec: spec, limits: .patient, time: ManualTime(),
        logger: log.logger)
    }
    #expect(error?.description.contains(reason) == true)
    #expect(error?.description.contains("Operations.ListenAddress") == true)
  }

  @Test(arguments: ["localhost:0", ":0", "127.0.0.1:0", ""])
  func namesAndEmptyHostsAreListenedOn(address: String) async throws {
    let server = try OperationsServer(
      listenAddress: address, version: VersionInformation(version: "1", commitSHA: "1"),
      health: health, logSpec: spec, limits: .patient, time: ManualTime(),
      logger: log.logger)
    try await server.start()
    let port = try NetworkAddress(try #require(server.boundAddress)).port
    #expect(try await ask("127.0.0.1:\(port)", "GET", "/healthz").status == 200)
    await server.shutdown(grace: .zero)
  }

  @Test func aHostThatIsNotThereIsNamed() async throws {
    let server = try OperationsServer(
      listenAddress: "nosuchhost.invalid:0",
      version: VersionInformation(version: "1", commitSHA: ""),
      health: health, logSpec: spec, limits: .patient, time: ManualTime(),
      logger: log.logger)
    let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
    let text = try #require(error?.description)
    #expect(text.contains("listen tcp nosuchhost.invalid:0: no such host"))
  }
}
