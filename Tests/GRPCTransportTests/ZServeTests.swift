import Foundation
import Testing

@testable import GRPCTransport

@Suite struct ZServe {
  @Test(.enabled(if: ProcessInfo.processInfo.environment["HEDDLE_SERVE_FILE"] != nil))
  func serve() async throws {
    let file = ProcessInfo.processInfo.environment["HEDDLE_SERVE_FILE"]!
    let mode = ProcessInfo.processInfo.environment["HEDDLE_SERVE_TLS"] ?? ""
    let tls: GRPCServerTLS? = mode.isEmpty ? nil : try Fixture.serverTLS(
      clientRoots: mode == "mutual" ? ["org1.test/tlsca/cert.pem"] : nil)
    try await TestServer.run(tls: tls) { server in
      try server.address.write(toFile: file, atomically: true, encoding: .utf8)
      while FileManager.default.fileExists(atPath: file) { try await Task.sleep(for: .milliseconds(100)) }
      print(server.log.all.suffix(20))
    }
  }
}
