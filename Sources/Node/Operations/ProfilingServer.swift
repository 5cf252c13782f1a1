// The profiling service (`General.Profile`): what a Swift process can honestly tell.

import Concurrency
import Foundation
import HTTPTransport
import Logging
import NodeMetrics

/// Serves `/debug/pprof/`: an index, and reports of the process as text. Not protected, as in Go: it
/// belongs on the loopback interface.
package final class ProfilingServer: Sendable {
  private let server: HTTPServer

  /// - Parameters:
  ///   - listenAddress: `General.Profile.Address`
  ///   - report: Text about the node's tasks and queues, in the place of Go's goroutines.
  /// - Throws: ``HTTPServerError`` for an address that cannot be used.
  package init(
    listenAddress: String, report: @escaping @Sendable () async -> String,
    limits: HTTPServerLimits = HTTPServerLimits(), time: any TimeSource, logger: Logger
  ) throws {
    server = try HTTPServer(
      listenAddress: listenAddress, name: .profiling, limits: limits, time: time, logger: logger)
    try server.register(ProfilingReports.route(report: report))
  }

  /// Listens and serves.
  ///
  /// - Throws: ``HTTPServerError``
  package func start() async throws { try await server.start() }

  /// The address that the server listens on, as `host:port`; nil before the start and after the end.
  package var boundAddress: String? { server.boundAddress }

  /// Stops; requests get up to `grace` to end.
  package func shutdown(grace: Duration = .seconds(1)) async {
    await server.shutdown(grace: grace)
  }
}

/// The reports by name.
enum ProfilingReports {
  private static let path = "/debug/pprof/"

  static func route(report: @escaping @Sendable () async -> String) -> HTTPRoute {
    HTTPRoute(path: path, access: .open) { request in
      switch request.path.dropFirst(path.count) {
      case "": index
      case "goroutine": .text(await report() + "\n")
      case "cmdline": .text(read("/proc/self/cmdline"))
      case "heap": .text(memory)
      case "threadcreate": .text(threads)
      case "profile", "trace", "allocs", "block", "mutex", "symbol":
        .text(
          status: 501,
          "This node is not written in Go and has no such profile. On its machine, `perf record -g "
            + "-p \(getpid()) -- sleep 30` and `perf report` show where time goes.\n")
      default: .text(status: 404, "Unknown profile\n")
      }
    }
  }

  private static let index = HTTPResponse(
    status: 200,
    headers: [
      ("Content-Type", "text/html; charset=utf-8"), ("X-Content-Type-Options", "nosniff"),
    ],
    body: Array(
      """
      <!DOCTYPE html>
      <html><head><title>/debug/pprof/</title></head><body>
      <p>/debug/pprof/</p>
      <ul>
      <li><a href="goroutine?debug=1">goroutine</a>: the node's tasks and queues</li>
      <li><a href="heap?debug=1">heap</a>: what the kernel knows of the process's memory</li>
      <li><a href="threadcreate?debug=1">threadcreate</a>: the threads</li>
      <li><a href="cmdline">cmdline</a>: the command line</li>
      </ul>
      <p>Profiles of time: perf(1) on the node's machine.</p>
      </body></html>

      """.utf8))

  private static var memory: String {
    let status = read("/proc/self/status").split(separator: "\n").filter {
      $0.hasPrefix("Vm") || $0.hasPrefix("Rss") || $0.hasPrefix("Threads")
    }
    return status.joined(separator: "\n") + "\n\n" + read("/proc/self/smaps_rollup")
  }

  private static var threads: String {
    let ids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    // Threads are few; the bound is against surprises.
    let names = ids.compactMap { Int($0) }.sorted().prefix(10_000).map {
      "\($0) " + read("/proc/self/task/\($0)/comm")
    }
    return "\(ids.count) threads\n" + names.joined()
  }

  private static func read(_ path: String) -> String { ProcessStatistics.read(path) }
}
