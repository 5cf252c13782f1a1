// The profiling service as its clients see it.

import Concurrency
import HTTPTestClient
import HTTPTransport
import Logging
import TestSupport
import Testing

@testable import Operations

@Suite(.sockets) struct ProfilingServerTests {
  @Test func theIndexAndTheReportsAreThere() async throws {
    let server = try ProfilingServer(
      listenAddress: "127.0.0.1:0", report: { "channel a: height 7" }, limits: .patient,
      time: ManualTime(),
      logger: TestLog().logger)
    try await server.start()
    let address = server.boundAddress
    let index = try await ask(address, "GET", "/debug/pprof/")
    #expect(index.status == 200)
    #expect(index.headers["content-type"] == "text/html; charset=utf-8")
    #expect(try await ask(address, "GET", "/debug/pprof").status == 307)
    #expect(
      try await ask(address, "GET", "/debug/pprof/goroutine?debug=1").body
        == "channel a: height 7\n")
    #expect(try await ask(address, "GET", "/debug/pprof/heap").body.contains("VmRSS:"))
    #expect(try await ask(address, "GET", "/debug/pprof/threadcreate").body.contains(" threads\n"))
    #expect(try await !ask(address, "GET", "/debug/pprof/cmdline").body.isEmpty)
    let profile = try await ask(address, "GET", "/debug/pprof/profile?seconds=30")
    #expect(profile.status == 501)
    #expect(profile.body.contains("perf record"))
    #expect(try await ask(address, "GET", "/debug/pprof/nosuch").status == 404)
    #expect(try await ask(address, "GET", "/").status == 404)
    await server.shutdown(grace: .zero)
  }

  @Test func anAddressThatIsTakenIsNamed() async throws {
    let first = try ProfilingServer(
      listenAddress: "127.0.0.1:0", report: { "" }, limits: .patient, time: ManualTime(),
      logger: TestLog().logger)
    try await first.start()
    let second = try ProfilingServer(
      listenAddress: try #require(first.boundAddress), report: { "" }, limits: .patient,
      time: ManualTime(),
      logger: TestLog().logger)
    let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
    #expect(error?.description.contains("profiling service") == true)
    #expect(error?.description.contains("General.Profile.Address") == true)
    await first.shutdown(grace: .zero)
  }
}
