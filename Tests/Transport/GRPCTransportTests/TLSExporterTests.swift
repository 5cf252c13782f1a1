// Keying material of connections: the derivation, and that both ends have the same.

import NIOCore
import NIOEmbedded
import NIOSSL
import TestSupport
import Testing

@testable import GRPCTransport

@Suite(.sockets) struct TLSExporterTests {
  private static let label = "orderer v3 authentication label"

  private func secret(_ count: UInt8) -> [UInt8] { Array(0..<count) }

  /// Worked out from the formulas of RFC 8446 beside this code.
  @Test func materialFollowsFromTheSecretTheLabelAndTheContext() throws {
    let context = hex("e253ce8e9f8decd6cbb8cb5d826bc26b09d229517c2142aacea650f353a1475e")
    func material(_ secret: [UInt8]) -> [UInt8]? {
      TLSExporter(secret: secret)?.keyingMaterial(label: Self.label, context: context, count: 32)
    }
    #expect(
      material(secret(32))
        == hex("0f8ecc774a684019fb7ab12369ac838fe0143680dfbba589c09a7e3062bc8418"))
    #expect(
      material(secret(48))
        == hex("1180cef718377b00a6661e87ae363f5d53e9d205a1385a8b8ac1d06b72a8ff9a"))
  }

  /// What OpenSSL 3.0 exported in two handshakes whose secrets it logged, with SHA-256 and SHA-384.
  @Test(arguments: [
    (
      "f2e71b48fcb95b4a40ada95da26b07b75fdb396b6fa2e04018cd2d9485fda083",
      """
      45ec2cb197d5e994922a9116c2e24d57037b1d12947834ce6ebe7d2247caf0f1cb2cdd285b1a58d39e6e78fc2f709069\
      1c6e6dbde8d8507a0be793c0ede5c56bb8bd362fcaab4c743bba1efe94
      """
    ),
    (
      "b23e877fea5a70c0061f67a8458845d778cce6e8929e7f945463b31f0ef17b97b3e92435ec4529ce54f56ea77302522b",
      """
      8b1726f43bc0f012d6af18d2bc6c33ea2debba0941cfe469b36cda91c8f7116dd01068bc547773a2ebc1aca04ef2ad8e\
      21cb4b28cd9b46d3f40180e8347a307eab892622753c5396cb622471a9
      """
    ),
  ])
  func openSSLExportsTheSame(secret: String, material: String) throws {
    let exporter = try #require(TLSExporter(secret: hex(secret)))
    #expect(
      exporter.keyingMaterial(label: "EXPORTER-Heddle", context: [], count: 77) == hex(material))
  }

  @Test func whatIsBeyondTheBoundsIsRefused() throws {
    #expect(TLSExporter(secret: secret(31)) == nil)
    let exporter = try #require(TLSExporter(secret: secret(32)))
    func count(_ label: Int, _ count: Int) -> Int? {
      exporter.keyingMaterial(
        label: String(repeating: "l", count: label), context: [], count: count)?.count
    }
    #expect(count(TLSExporter.maximumLabelBytes, TLSExporter.maximumBytes) == 255 * 32)
    #expect(count(TLSExporter.maximumLabelBytes + 1, 1) == nil)
    #expect(count(1, TLSExporter.maximumBytes + 1) == nil)
    #expect(count(1, 0) == nil && count(1, -1) == nil)
    #expect("\(exporter)" == "TLSExporter" && String(reflecting: exporter) == "TLSExporter")
  }

  // MARK: The key log

  @Test func onlyTheExportersSecretIsReadFromTheLog() {
    let random = String(repeating: "0aF1", count: 16)
    let line = "EXPORTER_SECRET \(random) \(String(repeating: "00ff", count: 16))\n"
    #expect(KeyLogLine(Array(line.utf8))?.clientRandom == hex(random))
    #expect(KeyLogLine(Array(line.utf8))?.exporterSecret.count == 32)
    for other in [
      "CLIENT_RANDOM" + line.dropFirst(15), "EXPORTER_SECRET \(random)", "EXPORTER_SECRET  ", "",
      "EXPORTER_SECRET \(random.dropLast(2)) 00", "EXPORTER_SECRET \(random) 0g",
      "EXPORTER_SECRET \(random) 000",
    ] { #expect(KeyLogLine(Array(other.utf8)) == nil) }
    var random64 = SplitMix64(seed: 7)
    for _ in 0..<2_000 {
      var bytes = Array(line.utf8)
      for _ in 0..<(1 + random64.next() % 4) {
        bytes[Int(random64.next() % UInt64(bytes.count))] = UInt8(
          truncatingIfNeeded: random64.next())
      }
      bytes.removeLast(Int(random64.next() % UInt64(bytes.count)))
      _ = KeyLogLine(bytes)
    }
  }

  @Test func theRandomIsFoundInWhateverPiecesItComes() {
    let random = Array(UInt8(100)..<132)
    let hello: [UInt8] = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3] + random + [0, 0, 0]
    for size in 1...hello.count {
      var finder = ClientRandom()
      var outcomes: [ClientRandom.Outcome] = []
      for start in stride(from: 0, to: hello.count, by: size) where outcomes.last != .found(random)
      {
        outcomes.append(
          finder.take(ByteBuffer(bytes: hello[start..<min(start + size, hello.count)])))
      }
      #expect(outcomes.last == .found(random))
      #expect(outcomes.dropLast().allSatisfy { $0 == .incomplete })
    }
    for (index, other) in [(0, UInt8(21)), (5, 2)] {
      var finder = ClientRandom()
      var bytes = hello
      bytes[index] = other
      #expect(finder.take(ByteBuffer(bytes: bytes)) == .absent)
    }
  }

  @Test func whoRepeatsARandomIsClosed() throws {
    let hello: [UInt8] = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3] + [UInt8](repeating: 9, count: 32)
    let table = ExporterTable()
    func connection() throws -> EmbeddedChannel {
      let channel = EmbeddedChannel(handler: ClientRandomTap(.server, table))
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
      return channel
    }
    let first = try connection()
    try first.writeInbound(ByteBuffer(bytes: hello))
    #expect(first.isActive)
    let second = try connection()
    _ = try? second.writeInbound(ByteBuffer(bytes: hello))
    #expect(!second.isActive)
    // Once the first has ended, the random is free.
    _ = try first.finish()
    let third = try connection()
    try third.writeInbound(ByteBuffer(bytes: hello))
    #expect(third.isActive)
    _ = try third.finish()
  }

  // MARK: Connections

  private func exporting() throws -> GRPCServerTLS {
    var tls = try Fixture.serverTLS()
    tls.exportsKeyingMaterial = true
    return tls
  }

  @Test func bothEndsHaveTheSameMaterialAndEachConnectionItsOwn() async throws {
    let method = GRPCMethod(path: "/test.Exporter/Material") { stream in
      while let messages = try await stream.nextMessages() {
        for context in messages {
          let material = stream.exporter?.keyingMaterial(
            label: Self.label, context: context, count: 40)
          try await stream.send(ByteBuffer(bytes: material ?? []))
        }
      }
    }
    try await TestServer.run(tls: exporting(), methods: [method]) { server in
      var seen: Set<[UInt8]> = []
      for _ in 0..<3 {
        let tls = GRPCClientTLS(exportsKeyingMaterial: true) { _, _ in nil }
        try await withClient(to: server.address, tls: tls) { _, connection in
          let stream = try await connection.openStream("/test.Exporter/Material")
          for context in [[], [1, 2, 3]] as [[UInt8]] {
            try await stream.send(ByteBuffer(bytes: context))
            let own = try #require(
              connection.exporter?.keyingMaterial(label: Self.label, context: context, count: 40))
            #expect(try await stream.receive() == own)
            seen.insert(own)
          }
          stream.finishSending()
          #expect(await stream.ended() == .ok)
        }
      }
      #expect(seen.count == 6)
    }
  }

  @Test func thereIsNoneUnlessItIsAskedFor() async throws {
    let method = GRPCMethod(path: "/test.Exporter/Has") { stream in
      try await stream.send(ByteBuffer(bytes: [stream.exporter == nil ? 0 : 1]))
    }
    func has(_ server: TestServer, _ tls: NIOSSLContext) async throws -> [[UInt8]] {
      let client = try await TestClient(address: server.address, tls: tls)
      let messages = try await client.call("/test.Exporter/Has").messages
      await client.close()
      return messages
    }
    try await TestServer.run(tls: Fixture.serverTLS(), methods: [method]) { server in
      let answer = try await has(server, Fixture.clientTLS())
      #expect(answer == [[0]])
      let tls = GRPCClientTLS { _, _ in nil }
      try await withClient(to: server.address, tls: tls) { _, connection in
        #expect(connection.exporter == nil)
      }
    }
    var old = TLSConfiguration.makeClientConfiguration()
    old.certificateVerification = .none
    old.applicationProtocols = ["h2"]
    old.maximumTLSVersion = .tlsv12
    let context = try NIOSSLContext(configuration: old)
    try await TestServer.run(tls: exporting(), methods: [method]) { server in
      let (new, old) = try await (has(server, Fixture.clientTLS()), has(server, context))
      #expect(new == [[1]] && old == [[0]])
    }
  }

  private func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }
}
