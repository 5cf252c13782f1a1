// The client against Go's gRPC, as Fabric's orderers bring it: mutual TLS, streams, statuses, keepalive pings.

import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import GRPCTransport

/// An orderer of Fabric's without channels, with mutual TLS.
private struct GoOrderer {
  /// Those that `HEDDLE_RIVALS=2.5=PATH,3.1=PATH` names. Older ones want a system channel.
  static let paths: [String] = (ProcessInfo.processInfo.environment["HEDDLE_RIVALS"] ?? "")
    .split(separator: ",").compactMap { item in
      let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
      return parts.count == 2 && !parts[0].hasPrefix("1.") ? parts[1] : nil
    }

  let port: Int
  private let process = Process()
  private let folder: URL

  init(_ path: String) async throws {
    let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    port = probe.localAddress?.port ?? 0
    try await probe.close().get()
    folder = FileManager.default.temporaryDirectory.appending(path: "heddle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(settings.utf8).write(to: folder.appending(path: "orderer.yaml"))
    process.executableURL = URL(filePath: path)
    process.environment = ["FABRIC_CFG_PATH": folder.path, "FABRIC_LOGGING_SPEC": "info"]
    let log = folder.appending(path: "log")
    try Data().write(to: log)
    process.standardError = try FileHandle(forWritingTo: log)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
  }

  private var settings: String {
    let node = Fixture.path("orderer.test/nodes/node1")
    return """
      General:
        ListenAddress: 127.0.0.1
        ListenPort: \(port)
        BootstrapMethod: none
        LocalMSPDir: \(node)/msp
        LocalMSPID: OrdererMSP
        MaxRecvMsgSize: 104857600
        MaxSendMsgSize: 104857600
        TLS:
          Enabled: true
          Certificate: \(node)/tls/server.crt
          PrivateKey: \(node)/tls/server.key
          ClientAuthRequired: true
          ClientRootCAs: [\(Fixture.path("orderer.test/tlsca/cert.pem"))]
        Keepalive: {ServerMinInterval: 60s, ServerInterval: 7200s, ServerTimeout: 20s}
        Cluster: {SendBufferSize: 100, RPCTimeout: 7s, DialTimeout: 5s}
        BCCSP: {Default: SW, SW: {Hash: SHA2, Security: 256}}
        Authentication: {TimeWindow: 15m}
      FileLedger: {Location: \(folder.path)/ledger}
      Operations: {ListenAddress: "127.0.0.1:0"}
      Metrics: {Provider: disabled}
      Admin: {ListenAddress: "127.0.0.1:0"}
      ChannelParticipation: {Enabled: true, MaxRequestBodySize: 1 MB}
      Consensus: {WALDir: \(folder.path)/wal, SnapDir: \(folder.path)/snap}
      """
  }

  /// What it has logged.
  var log: String {
    (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
  }

  /// Connects as soon as it listens.
  func dial(_ client: GRPCClient, _ tls: GRPCClientTLS) async throws -> GRPCClientConnection {
    while true {
      do throws(GRPCDialError) {
        return try await client.connect(to: "127.0.0.1", port: port, tls: tls)
      } catch {
        guard case .unreachable = error else { throw error }
        guard process.isRunning else { throw GRPCDialError.unreachable(log) }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }
}

@Suite(.sockets, .serialized, .enabled(if: !GoOrderer.paths.isEmpty)) struct GoServerTests {
  private func tls(_ node: String = "node2", pinned: String = "node1") throws -> GRPCClientTLS {
    let folder = "orderer.test/nodes/\(node)/tls"
    return GRPCClientTLS(
      certificateChain: try Fixture.read("\(folder)/server.crt"),
      privateKey: try Fixture.read("\(folder)/server.key"),
      pinnedCertificate: try Fixture.read("orderer.test/nodes/\(pinned)/tls/server.crt")
    ) { _, _ in nil }
  }

  private func withOrderer(
    _ path: String, _ body: (GoOrderer, GRPCClient) async throws -> Void
  ) async throws {
    let orderer = try await GoOrderer(path)
    let client = GRPCClient(configuration: .patient(), logger: TestLog().logger)
    do { try await body(orderer, client) } catch {
      await client.shutdown()
      orderer.stop()
      throw error
    }
    await client.shutdown()
    orderer.stop()
  }

  /// `BroadcastResponse{status: BAD_REQUEST}`, whatever it says beside that.
  private static let badRequest: [UInt8] = [0x08, 0x90, 0x03]

  @Test(arguments: GoOrderer.paths)
  func manyCallsShareAConnection(path: String) async throws {
    try await withOrderer(path) { orderer, client in
      let connection = try await orderer.dial(client, tls())
      // Payloads that are no payloads; each ends its call. Go pings as data comes.
      for size in [10, 10_000, 5_000_000] + [Int](repeating: 1_000, count: 500) {
        let stream = try await connection.openStream("/orderer.AtomicBroadcast/Broadcast")
        let message = PrefixedMessage(
          prefix: [0x0a] + varint(size), body: ByteBuffer(repeating: 0xff, count: size))
        try await stream.send([message])
        let answer = try await stream.receive()
        #expect(answer?.starts(with: Self.badRequest) == true)
        #expect(await stream.ended() == .ok)
      }
      #expect(connection.isUsable)
      try await eventually { client.budget.usage == (0, 0) }
      connection.close()
    }
  }

  private func varint(_ number: Int) -> [UInt8] {
    number < 128 ? [UInt8(number)] : [UInt8(number & 127) | 128] + varint(number >> 7)
  }

  @Test(arguments: GoOrderer.paths)
  func statusesComeAsGoGivesThem(path: String) async throws {
    try await withOrderer(path) { orderer, client in
      let connection = try await orderer.dial(client, tls())
      // A message of consensus for the channel "nope".
      let step = try await connection.openStream("/orderer.Cluster/Step")
      try await step.send(ByteBuffer(bytes: [0x0a, 0x06, 0x0a, 0x04] + Array("nope".utf8)))
      #expect(await step.ended() == GRPCStatus(.unknown, "channel nope doesn't exist"))
      let deliver = try await connection.openStream("/orderer.AtomicBroadcast/Deliver")
      try await deliver.send(ByteBuffer())
      let answer = try await deliver.receive()
      #expect(answer?.starts(with: Self.badRequest) == true)
      deliver.cancel()
      let unknown = try await connection.openStream("/nope.Nope/Nope")
      #expect(await unknown.ended() == GRPCStatus(.unimplemented, "unknown service nope.Nope"))
      connection.close()
    }
  }

  @Test(arguments: GoOrderer.paths)
  func whoIsNotTrustedIsTold(path: String) async throws {
    try await withOrderer(path) { orderer, client in
      let other = try tls(pinned: "node3")
      let mistaken = await #expect(throws: GRPCDialError.self) {
        try await orderer.dial(client, other)
      }
      guard case .untrusted = mistaken else {
        Issue.record("taken for another node: \(String(describing: mistaken))")
        return
      }
      var nobody = try tls()
      nobody.certificateChain = []
      let refused = await #expect(throws: GRPCDialError.self) {
        try await orderer.dial(client, nobody)
      }
      guard case .failed(let reason) = refused else {
        Issue.record("let in without a certificate: \(String(describing: refused))")
        return
      }
      #expect(reason.contains("TLS"))
    }
  }

  @Test(arguments: GoOrderer.paths)
  func aGoServerThatStopsIsAnEvent(path: String) async throws {
    try await withOrderer(path) { orderer, client in
      let connection = try await orderer.dial(client, tls())
      let stream = try await connection.openStream("/orderer.AtomicBroadcast/Broadcast")
      // An answer on another stream tells that this one has arrived.
      let deliver = try await connection.openStream("/orderer.AtomicBroadcast/Deliver")
      try await deliver.send(ByteBuffer())
      _ = try await deliver.receive()
      orderer.stop()
      #expect(await connection.gone().code == .unavailable)
      #expect(await stream.ended().code == .unavailable)
    }
  }
}
